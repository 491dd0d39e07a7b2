import { engagement } from '#schemas/events/engagement.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { logicalHour } from '../../jobs/engine/job.ts';
import { runNamedJob } from '../../jobs/main.ts';
import { Audience, type FeedName, type ViewerTotals } from '../../jobs/simulate/audience.ts';
import { makeCatalogue } from '../../jobs/simulate/catalogue.ts';
import { signToken } from '../../serving/http/auth.ts';
import { connect, disconnect } from '../adapters.ts';
import { ArtifactStore } from '../artifacts/store.ts';
import { S3Blobs } from '../blobs/s3.ts';
import type { Config } from '../config.ts';
import { lagOf } from '../log/lag.ts';
import { EventProducer } from '../producer/producer.ts';
import { serviceSpecs } from '../stack/services.ts';
import { eventually, startTestStack } from '../testing/test-stack.ts';
import type { BenchRow } from './row.ts';

const videos = 1_000;
const viewers = 150;
const perSecond = 80;
const watches = 6_000;

interface Interval {
  readonly value: number;
  readonly half: number;
}

/** A ratio of two sums over viewers, with its 95 % interval by the delta method: viewers are what varies. */
function ratio(list: readonly ViewerTotals[], part: (t: ViewerTotals) => number): Interval {
  const n = list.length;
  const [sx, sy] = [list.reduce((s, t) => s + part(t), 0), list.reduce((s, t) => s + t.watches, 0)];
  const value = sx / sy;
  const spread = list.reduce((s, t) => s + (part(t) - value * t.watches) ** 2, 0);
  return { value, half: (1.96 * Math.sqrt((spread * n) / Math.max(1, n - 1))) / sy };
}
const shown = ({ value, half }: Interval, unit: string): string => `${value.toFixed(3)} ± ${half.toFixed(3)} ${unit}`;

/** Simulated viewers on the feed as it begins, and others on the feed that has learnt from them, beside random and popularity. */
export async function viewersBench(say: (line: string) => void): Promise<BenchRow[]> {
  const stack = await startTestStack({ FORYOU_TRAINING_HORIZON_SECONDS: '1', FORYOU_LIMIT_USER: '1000000', FORYOU_LIMIT_ADDRESS: '10000000' });
  const { config } = stack;
  const adapters = connect(config, 'bench');
  try {
    for (const spec of serviceSpecs(config)) if (spec.name !== 'jobs') await stack.stack.startProcess(spec);
    const catalogue = makeCatalogue(videos, 5, Date.now());
    await new EventProducer(adapters).send(videoPublished, catalogue);
    const watch = async (who: string) => {
      const url = `http://${config.host}:${config.ports.serving}`;
      const audience = new Audience({
        url,
        catalogue,
        viewers,
        rate: perSecond,
        seed: 5,
        name: who,
        tokenFor: (userId) => signToken(config.jwt, userId, [], 86_400),
      });
      audience.start();
      await eventually(`${who} have watched`, async () => audience.stats.watches >= watches, 600_000);
      await audience.stop();
      if (audience.stats.failures > 0) say(`  ${audience.stats.failures} requests failed: ${audience.stats.lastFailure}`);
      return audience.stats;
    };
    // The heuristics too have what a first audience left behind: then both differ in the learnt artifacts alone.
    await watch('zeroth');
    const first = await watch('first');
    await eventually('history has what they watched', async () => (await lagOf(adapters.log, 'engagement-history', engagement.topic)) === 0, 60_000);
    await learn(config, say);
    const second = await watch('second');
    return report(first.byViewer, second.byViewer, second.bySwipe, say);
  } finally {
    await disconnect(adapters);
    await stack.stop();
  }
}

async function learn(config: Config, say: (line: string) => void): Promise<void> {
  const hour = logicalHour(Date.now());
  for (const name of ['train-vectors', 'build-index', 'training-set']) await runNamedJob(config, name, { hours: [hour] });
  const trained = await runNamedJob(config, 'train-ranker', { hours: [hour] });
  const store = new ArtifactStore(new S3Blobs(config.s3));
  say(`  ranker learnt from ${trained['rows']} impressions, ${trained['promoted'] === 1 ? 'promoted' : 'held back by the gate: the heuristic goes on'}`);
  const url = `http://${config.host}:${config.ports.serving}/readyz`;
  const wanted = (await store.pointer('index'))?.version;
  await eventually(
    'serving has the index',
    async () => ((await (await fetch(url)).json()) as { artifacts: { index: string } }).artifacts.index === wanted,
    30_000,
  );
}

type ByViewer = ReadonlyMap<string, Record<FeedName, ViewerTotals>>;

function report(
  first: ByViewer,
  second: ByViewer,
  swipes: readonly { from: number; watches: number; completed: number }[],
  say: (line: string) => void,
): BenchRow[] {
  const of = (by: ByViewer, feed: FeedName) => [...by.values()].map((t) => t[feed]).filter((t) => t.watches > 0);
  const feeds: [string, ViewerTotals[]][] = [
    ['learnt', of(second, 'feed')],
    ['heuristics', of(first, 'feed')],
    ['popularity', of(second, 'popular')],
    ['random', of(second, 'random')],
  ];
  const completion = new Map(feeds.map(([name, list]) => [name, ratio(list, (t) => t.completed)]));
  const seconds = new Map(feeds.map(([name, list]) => [name, ratio(list, (t) => t.watchedMs / 1_000)]));
  for (const [name] of feeds)
    say(`  ${name}: completed ${shown(completion.get(name) as Interval, 'of views')}, watched ${shown(seconds.get(name) as Interval, 's a view')}`);
  say(`  by swipe of a viewer: ${swipes.map((g) => `from ${g.from + 1}: ${(g.completed / Math.max(1, g.watches)).toFixed(3)}`).join(', ')}`);
  const mine = completion.get('learnt') as Interval;
  return feeds.slice(1).map(([name]) => {
    const other = completion.get(name) as Interval;
    return {
      name: `viewers-completion-vs-${name}`,
      value: mine.value,
      unit: `± ${mine.half.toFixed(3)}`,
      opponent: `${name} ± ${other.half.toFixed(3)}`,
      opponentValue: other.value,
      ratio: mine.value / other.value,
      target: null,
      runs: [mine.value],
    };
  });
}
