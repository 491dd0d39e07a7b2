import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { ArtifactStore } from '#infra/artifacts/store.ts';
import { S3Blobs } from '#infra/blobs/s3.ts';
import { encodeOnnx } from '#infra/inference/onnx-model.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { eventually, startTestStack, type TestStack } from '#infra/testing/test-stack.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { signToken } from '../../serving/http/auth.ts';
import { serve } from '../../serving/main.ts';
import { runTopologies } from '../../topologies/main.ts';
import { logicalHour } from '../engine/job.ts';
import { addModel, runNamedJob } from '../main.ts';
import { Audience } from '../simulate/audience.ts';
import { makeCatalogue } from '../simulate/catalogue.ts';

let stack: TestStack;
let adapters: ReturnType<typeof connect>;
const stops: (() => Promise<unknown>)[] = [];
const hour = logicalHour(Date.now());

const feed = async (userId: string) => {
  const { config } = stack;
  const token = await signToken(config.jwt, userId, ['explain'], 600);
  const answer = await fetch(`http://${config.host}:${config.ports.serving}/api/v1/feed/foryou?count=5&session_id=${crypto.randomUUID()}&explain=1`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return (await answer.json()) as { scorer: string; items: { videoId: string; explain: { features: Record<string, number>; sources: string[] } }[] };
};

const versions = async () => {
  const answer = await fetch(`http://${stack.config.host}:${stack.config.ports.serving}/readyz`);
  return ((await answer.json()) as { artifacts: { index: string | null; ranker: string | null } }).artifacts;
};

beforeAll(async () => {
  stack = await startTestStack({ FORYOU_TRAINING_HORIZON_SECONDS: '5', FORYOU_LIMIT_ADDRESS: '1000000', FORYOU_LIMIT_USER: '1000000' });
  const { config } = stack;
  adapters = connect(config, 'loop-test');
  for (const group of ['history', 'online']) stops.push((await runTopologies(config, group)).stop);
  stops.push((await serve(config)).stop);
  const catalogue = makeCatalogue(300, 3, Date.now());
  await new EventProducer(adapters).send(videoPublished, catalogue);
  const audience = new Audience({
    url: `http://${config.host}:${config.ports.serving}`,
    catalogue,
    viewers: 60,
    rate: 300,
    seed: 3,
    tokenFor: (userId) => signToken(config.jwt, userId, [], 86_400),
  });
  audience.start();
  await eventually('viewers have watched', async () => audience.stats.watches > 3_000, 90_000);
  await audience.stop();
  const answered = audience.stats.watches;
  await eventually('history has what they watched', async () => {
    const [row] = await adapters.warehouse.query<{ n: number }>("SELECT count() AS n FROM engagements WHERE kind = 'watch'");
    return (row?.n ?? 0) >= answered - audience.stats.failures;
  });
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  if (adapters) await disconnect(adapters);
  await stack?.stop();
});

test('logged features are those that history gives, and a falsified one is found', async () => {
  const honest = await runNamedJob(stack.config, 'skew-check', { hours: [hour] });
  expect(honest['rows']).toBeGreaterThan(100);
  expect(honest['features']).toBeGreaterThan(40);
  const skew = (feature: string) =>
    adapters.warehouse.query<{ differing: number }>(
      `SELECT differing FROM feature_skew FINAL WHERE feature = '${feature}' AND hour = fromUnixTimestamp64Milli(${hour.getTime()})`,
    );
  // A response may miss what was answered in the milliseconds before it: most values agree, not all.
  expect((await skew('video.likes_all'))[0]?.differing).toBeLessThan(0.2);
  expect((await skew('user.watches_d14'))[0]?.differing).toBeLessThan(0.2);
  await adapters.warehouse.command(
    `ALTER TABLE feed_items_served UPDATE features = replaceRegexpOne(features, '"video.watches_all":[0-9.]+', '"video.watches_all":1000000') WHERE 1 SETTINGS mutations_sync = 1`,
  );
  await runNamedJob(stack.config, 'skew-check', { hours: [hour] });
  expect((await skew('video.watches_all'))[0]?.differing).toBeGreaterThan(0.5);
});

test('arms are compared with their intervals, and exposure is accounted for by group', async () => {
  const { warehouse } = adapters;
  await runNamedJob(stack.config, 'experiment-report', { hours: [hour] });
  const rows = await warehouse.query<{ arm: string; metric: string; viewers: number; value: number; low: number; high: number }>(
    "SELECT arm, metric, viewers, value, low, high FROM arm_metrics FINAL WHERE experiment = 'variety'",
  );
  const rates = rows.filter((r) => r.metric === 'completion_rate');
  expect(rates.map((r) => r.arm).sort()).toEqual(['control', 'plain']);
  // Every viewer is in one arm, and the rate is that of his arm's watches.
  expect(rates.reduce((sum, r) => sum + r.viewers, 0)).toBe(60);
  for (const r of rates) {
    const [own] = await warehouse.query<{ rate: number }>(
      `SELECT countIf(watched_ms >= duration_ms) / count() AS rate FROM engagements WHERE kind = 'watch' AND arm = 'variety:${r.arm}'`,
    );
    expect(r.value).toBeCloseTo(own?.rate as number, 6);
    expect(r.low).toBeLessThan(r.value);
    expect(r.high - r.low).toBeLessThan(0.5);
  }
  const report = await runNamedJob(stack.config, 'exposure-report', { hours: [hour] });
  expect(report['rows']).toBeGreaterThan(1_000);
  const shares = await warehouse.query<{ dimension: string; share: number }>(
    'SELECT dimension, sum(share) AS share FROM exposure_report FINAL GROUP BY dimension',
  );
  expect(shares.map((s) => s.dimension).sort()).toEqual(['creator_region', 'creator_size', 'topic', 'viewer_region']);
  for (const { dimension, share } of shares) expect(share, dimension).toBeCloseTo(1, 6);
  const counts = await warehouse.query<{ n: number }>(
    'SELECT count() AS n FROM feed_items_served GROUP BY video_id UNION ALL SELECT 0 AS n FROM (SELECT DISTINCT video_id FROM videos_published WHERE video_id NOT IN (SELECT video_id FROM feed_items_served))',
  );
  const n = counts.map((c) => c.n).sort((a, b) => a - b);
  const total = n.reduce((a, b) => a + b, 0);
  const gini = (2 * n.reduce((sum, v, i) => sum + (i + 1) * v, 0)) / (n.length * total) - (n.length + 1) / n.length;
  expect(report['gini_videos']).toBeCloseTo(gini, 6);
});

test('what slots drew by lot says what choosing by score would have brought', async () => {
  const { warehouse } = adapters;
  const found = await runNamedJob(stack.config, 'off-policy-report', { hours: [hour] });
  // The same by another way: draw by draw.
  const served = await warehouse.query<{ request: string; position: number; place: number; propensity: number; reason: string; watched: number; done: number }>(
    `SELECT s.request_id AS request, s.position AS position, s.draw_place AS place, s.propensity AS propensity, s.reason AS reason,
       countIf(e.kind = 'watch' AND e.occurred_at < s.occurred_at + toIntervalSecond(5)) AS watched,
       countIf(e.kind = 'watch' AND e.occurred_at < s.occurred_at + toIntervalSecond(5) AND e.duration_ms > 0 AND e.watched_ms >= e.duration_ms) > 0 AS done
     FROM feed_items_served AS s LEFT JOIN engagements AS e ON s.request_id = e.request_id AND s.video_id = e.video_id AND s.user_id = e.user_id
     GROUP BY s.request_id, s.video_id, s.position, s.draw_place, s.propensity, s.reason`,
  );
  const reached = new Map<string, number>();
  for (const s of served) if (Number(s.watched) > 0) reached.set(s.request, Math.max(reached.get(s.request) ?? -1, s.position));
  const drawn = served.filter((s) => s.propensity < 1 && s.reason === 'exposure-pool' && s.position <= (reached.get(s.request) ?? -1));
  const mean = (of: (s: (typeof drawn)[number]) => number) => drawn.reduce((sum, s) => sum + of(s), 0) / drawn.length;
  const rows = await warehouse.query<{ policy: string; estimator: string; decisions: number; value: number; low: number; high: number }>(
    "SELECT policy, estimator, decisions, value, low, high FROM off_policy FINAL WHERE slot = 'exposure-pool' AND reward = 'complete'",
  );
  const row = (policy: string, estimator: string) => rows.find((r) => r.policy === policy && r.estimator === estimator);
  expect(drawn.length).toBeGreaterThan(50);
  expect(found['rows']).toBeGreaterThanOrEqual(drawn.length);
  expect(row('lot', 'mean')).toMatchObject({
    decisions: drawn.length,
    value: expect.closeTo(
      mean((s) => s.done),
      6,
    ),
  });
  expect(row('best', 'ips')?.value).toBeCloseTo(
    mean((s) => (s.place === 0 ? s.done / s.propensity : 0)),
    6,
  );
  for (const policy of ['best', 'best-three', 'best-ten'])
    for (const estimator of ['ips', 'snips', 'dr'])
      expect((row(policy, estimator)?.high as number) - (row(policy, estimator)?.low as number)).toBeGreaterThan(0);
});

test('vectors, index, training set and ranker are learnt from what was served, and the next feed uses them', async () => {
  const { config } = stack;
  expect((await feed('somebody')).scorer).toMatch(/^heuristic@/);
  for (const name of ['train-vectors', 'build-index', 'training-set']) await runNamedJob(config, name, { hours: [hour] });
  const trained = await runNamedJob(config, 'train-ranker', { hours: [hour] });
  expect(trained['rows']).toBeGreaterThan(400);
  // Some hundred measured rows may by chance say that it is worse than what served; a person may let it serve all the same.
  const store = new ArtifactStore(new S3Blobs(config.s3));
  const [made] = await store.list('ranker');
  if (trained['promoted'] === 0) await store.promote('ranker', made?.manifest.version as string, 1);
  expect(Object.keys(made?.manifest.quality ?? {})).toContain('auc_complete');
  await eventually('serving has swapped both in', async () => (await versions()).ranker !== null && (await versions()).index !== null);
  const page = await feed('sim-3-u0');
  expect(page.scorer).toBe(`ranker@${(await versions()).ranker}+weights@1`);
  expect(page.items.some((i) => i.explain.features['similarity'] !== 0)).toBe(true);
  await eventually('served rows name both versions', async () => {
    const rows = await adapters.warehouse.query(
      `SELECT 1 FROM feed_items_served WHERE user_id = 'sim-3-u0' AND scorer LIKE 'ranker@%' AND index_version = '${(await versions()).index}'`,
    );
    return rows.length === 5;
  });
});

/** A model as another tool would write it: two inputs named after features, one prediction. */
const foreign = (input: string) =>
  encodeOnnx({
    name: 'foreign',
    nodes: [
      { op: 'Add', inputs: [input, 'video.completesRate_all'], outputs: ['sum'] },
      { op: 'Sigmoid', inputs: ['sum'], outputs: ['complete'] },
    ],
    constants: [],
    inputs: [
      { name: input, dims: ['n', 1] },
      { name: 'video.completesRate_all', dims: ['n', 1] },
    ],
    outputs: [{ name: 'complete', dims: ['n', 1] }],
  });

test('a model made elsewhere passes the same checks, or is refused with the reason', async () => {
  await expect(addModel(stack.config, Buffer.from('no model'))).rejects.toMatchObject({ code: 'artifact-refused' });
  await expect(addModel(stack.config, foreign('moonPhase'))).rejects.toThrow(/"moonPhase" is no known feature/);
  const added = await addModel(stack.config, foreign('topicAffinity'));
  // Only what it predicts is measured.
  expect(Object.keys(added.quality)).toEqual(['complete']);
  expect(added.quality['complete']?.auc).toEqual(expect.any(Number));
  if (added.refused.length === 0) await eventually('serving has swapped it in', async () => (await versions()).ranker === added.version);
  else expect(added.refused[0]).toMatch(/auc .* under the running|gain .* is wanted/);
});
