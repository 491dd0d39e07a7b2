import { readConfig } from '#infra/config.ts';
import { runTopologies } from '../main.ts';

// A composition root for fault tests: runs a topology, and freezes it for good at the n-th time
// that a protocol step, or a task of an upload (as in "ladder:begins"), is reached, so that the test can kill it there.
const [name = '', step, occurrence = '1'] = process.argv.slice(2);
let left = Number(occurrence);

const freeze = async (reached: string, detail: string): Promise<void> => {
  if (reached !== step || --left > 0) return;
  console.log(`frozen ${reached} ${detail}`);
  await new Promise(() => setInterval(() => {}, 1_000));
};

const running = await runTopologies(readConfig(), name, {
  at: freeze,
  atTask: async (task, what) => {
    console.log(`task ${task}:${what}`);
    await freeze(`${task}:${what}`, '');
  },
});
running.failed.catch((error) => {
  console.error(error);
  process.exit(1);
});
process.once('SIGTERM', () => void running.stop().then(() => process.exit(0)));
