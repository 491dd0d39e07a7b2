import { readConfig } from '#infra/config.ts';
import { runTopologies } from '../main.ts';

// A composition root for fault tests: runs a topology, and freezes it for good at the n-th time
// that a protocol step begins, so that the test can kill it exactly there.
const [name = '', step, occurrence = '1'] = process.argv.slice(2);
let left = Number(occurrence);

const running = await runTopologies(readConfig(), name, {
  at: async (reached, detail) => {
    if (reached !== step || --left > 0) return;
    console.log(`frozen ${reached} ${detail}`);
    await new Promise(() => setInterval(() => {}, 1_000));
  },
});
running.failed.catch((error) => {
  console.error(error);
  process.exit(1);
});
process.once('SIGTERM', () => void running.stop().then(() => process.exit(0)));
