import { readConfig } from '#infra/config.ts';
import { runTopologies } from '../../topologies/main.ts';

// Runs one topology until it has been through `total` records; prints when it began and ended.
const [name = '', total = '0'] = process.argv.slice(2);
let done = 0;
const say = (what: string) => console.log(`${what} ${performance.timeOrigin + performance.now()}`);

const running = await runTopologies(readConfig(), name, {
  at: async (step, detail) => {
    const range = / (\d+)-(\d+)$/.exec(detail);
    if (!range) return;
    // The first flush begins after its records were decided: the clock started with the assignment instead.
    if (step === 'H5' || step === 'O5') done += Number(range[2]) - Number(range[1]);
    if (done >= Number(total) && done !== Number.POSITIVE_INFINITY) {
      done = Number.POSITIVE_INFINITY;
      say('end');
    }
  },
});
say('begin');
running.failed.catch((error) => {
  console.error(error);
  process.exit(1);
});
process.once('SIGTERM', () => void running.stop().then(() => process.exit(0)));
