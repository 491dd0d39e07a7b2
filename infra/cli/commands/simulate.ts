import type { Command } from 'commander';
import { videoPublished } from '#schemas/events/video-published.ts';
import { Audience } from '../../../jobs/simulate/audience.ts';
import { makeCatalogue } from '../../../jobs/simulate/catalogue.ts';
import { signToken } from '../../../serving/http/auth.ts';
import { connect, disconnect } from '../../adapters.ts';
import type { Config } from '../../config.ts';
import { EventProducer } from '../../producer/producer.ts';
import { interruption } from '../output.ts';
import { wholeNumber } from './run.ts';

export function simulateCommand(program: Command, config: () => Config): void {
  program
    .command('simulate')
    .description('publish a catalogue and let simulated viewers watch the feed through HTTP; the same seed repeats the run')
    .option('--viewers <n>', 'how many people', wholeNumber, 200)
    .option('--videos <n>', 'how many videos', wholeNumber, 500)
    .option('--rate <n>', 'watches per second', wholeNumber, 50)
    .option('--seconds <n>', 'how long', wholeNumber, 60)
    .option('--seed <n>', 'seed of people and videos', wholeNumber, 1)
    .action(async (o: { viewers: number; videos: number; rate: number; seconds: number; seed: number }) => {
      const c = config();
      const adapters = connect(c, 'foryou-simulate');
      const catalogue = makeCatalogue(o.videos, o.seed, Date.now());
      await new EventProducer(adapters).send(videoPublished, catalogue);
      const audience = new Audience({
        ...o,
        url: `http://${c.host}:${c.ports.serving}`,
        catalogue,
        tokenFor: (userId) => signToken(c.jwt, userId, [], 86_400),
      });
      audience.start();
      const { stats } = audience;
      const line = () =>
        console.log(
          `watches ${stats.watches}  completion ${percent(stats.completed, stats.watches)}  beside random ${percent(stats.randomCompleted, stats.randomWatches)}  failures ${stats.failures}`,
        );
      const timer = setInterval(line, 5_000);
      await Promise.race([interruption(), new Promise((resolve) => setTimeout(resolve, o.seconds * 1000))]);
      clearInterval(timer);
      await audience.stop();
      await disconnect(adapters);
      line();
    });
}

export const percent = (part: number, whole: number): string => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`);
