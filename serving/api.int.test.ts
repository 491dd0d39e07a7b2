import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import type { Config } from '#infra/config.ts';
import { follow } from '#infra/log/follow.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { EventReader } from '#infra/registry/event-reader.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { edgePrewarm } from '#schemas/events/edge-prewarm.ts';
import { publishedVideo, videoPublished } from '#schemas/events/video-published.ts';
import { videoRemoved } from '#schemas/events/video-removed.ts';
import { baseFeatures } from '#schemas/features/ranking.ts';
import { videoCard } from '#schemas/features/views/videos.ts';
import { makeCatalogue } from '../jobs/simulate/catalogue.ts';
import { runTopologies } from '../topologies/main.ts';
import type { FeedPage } from './feed/response.ts';
import { signToken } from './http/auth.ts';
import type { Problem } from './http/problem.ts';
import { serve } from './main.ts';

const config: Config = { ...sharedConfig(inject('stackEnvironment')), limits: { perUserPerMinute: 400, perAddressPerMinute: 100_000 } };
const adapters = connect(config, 'api-test');
const producer = new EventProducer(adapters);
const url = `http://${config.host}:${config.ports.serving}`;
const seed = 4_242;
const videos = makeCatalogue(60, seed, Date.now());
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  for (const name of ['online', 'history']) stops.push((await runTopologies(config, name)).stop);
  stops.push((await serve(config)).stop);
  await producer.send(videoPublished, videos);
  await eventually('the catalogue is online', async () =>
    (
      await adapters.online.values(
        videoCard,
        videos.map((v) => v.videoId),
      )
    ).every((v) => v !== null),
  );
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  await disconnect(adapters);
});

let users = 0;
const newUser = () => `api-user-${users++}-${crypto.randomUUID().slice(0, 8)}`;
const as = async (userId: string, scopes: string[] = []) => ({ authorization: `Bearer ${await signToken(config.jwt, userId, scopes, 600)}` });
const get = async (path: string, headers: Record<string, string> = {}) => fetch(`${url}${path}`, { headers });
const page = async (userId: string, query = '', scopes: string[] = []): Promise<FeedPage> => {
  const response = await get(`/api/v1/feed/foryou?${query}`, await as(userId, scopes));
  expect(response.status, await response.clone().text()).toBe(200);
  return (await response.json()) as FeedPage;
};
const engage = async (userId: string, videoId: string, body: object) =>
  fetch(`${url}/api/v1/video/${videoId}/engage`, {
    method: 'POST',
    headers: { ...(await as(userId)), 'content-type': 'application/json' },
    body: JSON.stringify({ eventId: crypto.randomUUID(), ...body }),
  });
const ids = (p: FeedPage): string[] => p.items.map((i) => i.videoId);

describe('who may call', () => {
  test.each(['/api/v1/feed/foryou', '/metrics'])('%s needs a token', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(((await response.json()) as Problem).detail).toContain('bearer token');
  });
  test('a token of another key, another issuer, or out of date is not accepted', async () => {
    const bad = [
      await signToken({ ...config.jwt, secret: 'x'.repeat(40) }, 'u', [], 600),
      await signToken({ ...config.jwt, issuer: 'somebody-else' }, 'u', [], 600),
      await signToken(config.jwt, 'u', [], -10),
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"u"}').toString('base64url')}.`,
    ];
    for (const token of bad) expect((await get('/api/v1/feed/foryou', { authorization: `Bearer ${token}` })).status).toBe(401);
  });
  test('metrics and explanations need their scopes', async () => {
    expect((await get('/metrics', await as('u'))).status).toBe(403);
    await page('u', 'count=1');
    expect(await (await get('/metrics', await as('u', ['operator']))).text()).toContain('foryou_feed_ms');
    expect((await get('/api/v1/feed/foryou?explain=1', await as('u'))).status).toBe(403);
  });
  test('health, readiness and documentation are public', async () => {
    for (const path of ['/healthz', '/readyz', '/docs', '/docs/json', '/explain', '/studio', '/review', '/pages/page.js', '/pages/hls.js'])
      expect((await get(path)).status, path).toBe(200);
    const { paths } = (await (await get('/docs/json')).json()) as { paths: object };
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/api/v1/feed/foryou', '/api/v1/video/{id}/engage']));
  });
});

describe('what is refused', () => {
  test.each([
    ['no event id', { eventId: undefined, kind: 'watch' }],
    ['an unknown kind', { kind: 'stare' }],
    ['a negative watch time', { kind: 'watch', watchedMs: -1 }],
    ['an unknown field', { kind: 'watch', wathcedMs: 5 }],
    ['a fractional watch time', { kind: 'watch', watchedMs: 1.5 }],
  ])('%s', async (_what, body) => {
    const response = await engage(newUser(), 'v', body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as Problem).title).toBe('Bad request');
  });
  test('a large body, a foreign cursor and an unknown page', async () => {
    expect((await engage(newUser(), 'v', { kind: 'watch', requestId: 'x'.repeat(20_000) })).status).toBe(413);
    const user = newUser();
    const { cursor } = await page(user, 'session_id=one');
    expect((await get(`/api/v1/feed/foryou?session_id=two&cursor=${cursor}`, await as(user))).status).toBe(400);
    expect((await get('/api/v1/feed/foryou?cursor=nonsense', await as(user))).status).toBe(400);
    expect((await get('/nowhere')).status).toBe(404);
  });
  test('more than the limit of one user, counted in Redis', async () => {
    const headers = await as(newUser());
    const statuses = await Promise.all(Array.from({ length: 420 }, () => get('/api/v1/feed/foryou?count=1', headers).then((r) => r.status)));
    expect(statuses.filter((s) => s === 429).length).toBeGreaterThan(0);
    expect(statuses.filter((s) => s === 200).length).toBeLessThanOrEqual(400);
  });
});

describe('the feed', () => {
  test('the next feed has learnt from a swipe within a second', async () => {
    const user = newUser();
    const top = (await page(user, 'count=5&session_id=a')).items[0]?.videoId as string;
    expect((await engage(user, top, { kind: 'watch', watchedMs: 900, durationMs: 20_000 })).status).toBe(202);
    let attempt = 0;
    await eventually('the watched video is not offered again', async () => !ids(await page(user, `count=20&session_id=b${attempt++}`)).includes(top), 1_000);
  });

  test('one event id sent three times counts once', async () => {
    const [user, video] = [newUser(), videos[3]?.videoId as string];
    const eventId = crypto.randomUUID();
    for (let i = 0; i < 3; i++) expect((await engage(user, video, { eventId, kind: 'like' })).status).toBe(202);
    const rows = () => adapters.warehouse.query<{ n: number }>(`SELECT count() AS n FROM engagements WHERE event_id = '${eventId}'`);
    await eventually('it is stored', async () => (await rows())[0]?.n === 1);
    const end = crypto.randomUUID();
    await engage(user, video, { eventId: end, kind: 'share' });
    await eventually(
      'what came after it is stored',
      async () => (await adapters.warehouse.query(`SELECT 1 FROM engagements WHERE event_id = '${end}'`)).length === 1,
    );
    expect((await rows())[0]?.n).toBe(1);
  });

  test('paging through a session never repeats; the same cursor gives the same page', async () => {
    const user = newUser();
    const first = await page(user, 'count=7&session_id=walk');
    const second = await page(user, `count=7&session_id=walk&cursor=${first.cursor}`);
    expect(await page(user, `count=7&session_id=walk&cursor=${first.cursor}`)).toEqual(second);
    const [a, b] = await Promise.all([
      page(user, `count=7&session_id=walk&cursor=${second.cursor}`),
      page(user, `count=7&session_id=walk&cursor=${second.cursor}`),
    ]);
    expect(a).toEqual(b);
    const seen = [...ids(first), ...ids(second), ...ids(a)];
    for (let p = a; p.items.length > 0; ) {
      p = await page(user, 'count=7&session_id=walk');
      seen.push(...ids(p));
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(videos.every((v) => seen.includes(v.videoId))).toBe(true);
  });

  test('when all has been seen, the first page is not empty, and says so', async () => {
    const user = newUser();
    const all: string[] = [];
    for (let p = await page(user, 'count=50&session_id=all'); p.items.length > 0; p = await page(user, 'count=50&session_id=all')) all.push(...ids(p));
    for (const videoId of all) await engage(user, videoId, { kind: 'watch', watchedMs: 1_000, durationMs: 9_000 });
    let attempt = 0;
    await eventually('only seen videos are left', async () =>
      (await page(user, `count=5&session_id=again${attempt++}`)).items.every((i) => i.reason === 'seen-before'),
    );
    expect((await page(user, 'count=5&session_id=last')).items.length).toBe(5);
  });

  test('a removed, a reported and an own video are not shown, and explain says why', async () => {
    const user = videos[12]?.creatorId as string;
    const own = videos.filter((v) => v.creatorId === user).map((v) => v.videoId);
    const [removed, reported] = videos.filter((v) => v.creatorId !== user).map((v) => v.videoId) as [string, string];
    await producer.send(videoRemoved, [{ eventId: crypto.randomUUID(), videoId: removed, occurredAt: Date.now(), reason: 'creator' }]);
    await engage(user, reported, { kind: 'report' });
    let last: FeedPage | undefined;
    let attempt = 0;
    await eventually('all three are gone', async () => {
      last = await page(user, `count=50&session_id=gone${attempt++}&explain=1`, ['explain']);
      return ![removed, reported, ...own].some((id) => ids(last as FeedPage).includes(id));
    });
    const dropped = new Map(last?.explain?.candidates.map((c) => [c.videoId, c.by]));
    expect([dropped.get(removed), dropped.get(reported), dropped.get(own[0] as string)]).toEqual(['still-visible', 'not-reported-by-me', 'not-own']);
    expect(Object.keys(last?.items[0]?.explain?.features ?? {})).toContain('video.watches_d1');
  });

  test('a followed creator comes in by the source of that name, until unfollowed', async () => {
    const user = newUser();
    const video = videos[20];
    await engage(user, video?.videoId as string, { kind: 'follow' });
    let attempt = 0;
    const fromFollowed = async () =>
      (await page(user, `count=50&session_id=f${attempt++}&explain=1`, ['explain'])).items.filter((i) => i.explain?.sources.includes('followed-creators'));
    await eventually('the creator is followed', async () => (await fromFollowed()).length > 0);
    expect((await fromFollowed()).every((i) => i.creatorId === video?.creatorId)).toBe(true);
    await engage(user, video?.videoId as string, { kind: 'unfollow' });
    await eventually('the creator is not followed any more', async () => (await fromFollowed()).length === 0);
  });

  test('what was served is logged with the features as scored', async () => {
    const user = newUser();
    const served = await page(user, 'count=4&session_id=log&explain=1', ['explain']);
    const rows = () =>
      adapters.warehouse.query<{ video_id: string; position: number; features: string; scorer: string }>(
        `SELECT video_id, position, features, scorer FROM feed_items_served WHERE request_id = '${served.requestId}' ORDER BY position`,
      );
    await eventually('four rows', async () => (await rows()).length === 4);
    expect((await rows()).map((r) => [r.video_id, r.position, r.scorer])).toEqual(served.items.map((i) => [i.videoId, i.position, served.scorer]));
    // Other tests of this stack publish videos of their own: what they say of their media is theirs.
    const published = new Map(videos.map((v) => [v.videoId, v.firstSegmentUrl]));
    expect(served.prefetch.map((p) => [p.videoId, p.firstSegmentUrl])).toEqual(
      served.items.map((i) => [i.videoId, published.get(i.videoId) ?? i.firstSegmentUrl]),
    );
    // What is 0 is not in the log, and derived features follow from those that are.
    for (const [at, row] of (await rows()).entries()) {
      const logged = JSON.parse(row.features) as Record<string, number>;
      for (const name of baseFeatures) expect(logged[name] ?? 0, name).toBeCloseTo(served.items[at]?.explain?.features[name] as number, 5);
      expect(Object.keys(logged).length).toBeGreaterThan(5);
    }
  });
});

describe('the catalogue that serves', () => {
  const offered = async (user: string, id: string) =>
    (await page(user, `count=50&session_id=${crypto.randomUUID()}&explain=1`, ['explain'])).explain?.candidates.find((c) => c.videoId === id);

  test('a video is recommendable within two seconds of its publication, and gone within one of its removal', async () => {
    const user = newUser();
    await offered(user, '');
    const video = { ...(makeCatalogue(1, seed + 1, Date.now())[0] as (typeof videos)[number]), occurredAt: Date.now() };
    await producer.send(videoPublished, [video]);
    await eventually('it is a candidate', async () => (await offered(user, video.videoId))?.by !== undefined, 2_000);
    await producer.send(videoRemoved, [{ eventId: crypto.randomUUID(), videoId: video.videoId, occurredAt: Date.now(), reason: 'creator' }]);
    await eventually('it is dropped', async () => (await offered(user, video.videoId))?.by === 'still-visible', 1_000);
  });
});

test('a broadcast has its place while it goes on, and none when it is over', async () => {
  const now = Date.now();
  const broadcast = (videoId: string, creatorId: string) =>
    publishedVideo({
      eventId: crypto.randomUUID(),
      videoId,
      creatorId,
      occurredAt: now,
      durationMs: 0,
      topics: ['music'],
      live: 1,
      hlsUrl: 'http://live/x.m3u8',
    });
  const [mine, others] = [`live-${crypto.randomUUID()}`, `live-${crypto.randomUUID()}`];
  await producer.send(videoPublished, [broadcast(mine, 'broadcaster-1'), broadcast(others, 'broadcaster-2')]);
  let attempt = 0;
  const placed = async () => (await page(newUser(), `count=12&session_id=live${attempt++}`)).items;
  await eventually('one of them has the place', async () => [mine, others].includes((await placed())[9]?.videoId as string));
  const items = await placed();
  expect(items[9]).toMatchObject({ live: true, durationMs: 0, reason: 'live-now' });
  // What is no broadcast never has it; a broadcast has no other.
  expect(items.filter((i) => i.live)).toHaveLength(1);
  await producer.send(videoRemoved, [{ eventId: crypto.randomUUID(), videoId: others, occurredAt: now + 1, reason: 'creator' }]);
  await eventually('the other one goes on', async () => (await placed())[9]?.videoId === mine);
  await producer.send(videoPublished, [
    { ...broadcast(mine, 'broadcaster-1'), eventId: crypto.randomUUID(), occurredAt: now + 2, live: 0, durationMs: 60_000 },
  ]);
  await eventually('nobody broadcasts', async () => (await placed()).every((i) => !i.live && i.reason !== 'live-now'));
  const recording = async () => (await page(newUser(), `count=50&session_id=live${attempt++}`)).items.find((i) => i.videoId === mine);
  await eventually('its recording is a video like any other', async () => (await recording())?.durationMs === 60_000);
});

test('the edge is told once of what a region is about to play', async () => {
  const reader = new EventReader(edgePrewarm, adapters.registry);
  const told = new Map<string, number>();
  const following = await follow(adapters.log, edgePrewarm.topic, async (records) => {
    for (const record of records) {
      const e = await reader.read(record);
      if (e?.region === 'QA') told.set(e.videoId, (told.get(e.videoId) ?? 0) + 1);
    }
  });
  const pages = [await page(newUser(), 'count=10&region=QA'), await page(newUser(), 'count=10&region=QA')];
  const next = new Set(pages.flatMap((p) => p.prefetch.map((x) => x.videoId)));
  await eventually('every next video was told of', async () => [...next].every((id) => told.has(id)));
  await following.stop();
  expect([...told.keys()].filter((id) => !next.has(id))).toEqual([]);
  // A video that both are about to be shown is told of once, but for a turn of the half-minute between them.
  expect(Math.max(...told.values())).toBeLessThanOrEqual(2);
});

test('a preview is only a look: the session stays where it is, and needs its scope', async () => {
  const user = newUser();
  const look = () => page(user, 'count=5&session_id=look&preview=1', ['explain']);
  // What others do meanwhile may change a feed; a look that moved the session would change it each time.
  await eventually('two looks are the same', async () => {
    const [one, other] = [ids(await look()), ids(await look())];
    return one.join() === other.join();
  });
  const first = await page(user, 'count=5&session_id=look');
  expect(first.items[0]?.position).toBe(0);
  expect((await get('/api/v1/feed/foryou?preview=1', await as(user))).status).toBe(403);
});

describe('a new viewer', () => {
  test('is taken from what does well where he is, over what resembles his likings, to a vector of his own', async () => {
    const user = newUser();
    const steps: string[] = [];
    const ask = async () => {
      const answer = await page(user, `count=5&session_id=${crypto.randomUUID()}&explain=1&region=DE`, ['explain']);
      steps.push(answer.explain?.viewer.step ?? '');
      return answer;
    };
    const first = await ask();
    // Nobody has watched much here yet: what there is of trending comes first, a topic each.
    const trending = first.explain?.candidates.filter((c) => c.sources.includes('trending-in-region')) ?? [];
    const starters = first.items.slice(0, Math.min(5, trending.length));
    expect(starters.length).toBeGreaterThan(0);
    expect(starters.every((i) => i.explain?.sources.includes('trending-in-region'))).toBe(true);
    expect(first.explain?.candidates.some((c) => c.sources.includes('topic-affinity'))).toBe(false);
    const complete = async (from: number, to: number) => {
      for (const video of videos.slice(from, to))
        await engage(user, video.videoId, { kind: 'watch', watchedMs: video.durationMs, durationMs: video.durationMs, region: 'DE' });
      await eventually('the completions count', async () => (await ask()).explain?.viewer.completions === to);
    };
    await complete(0, 3);
    expect((await ask()).explain?.candidates.some((c) => c.sources.includes('topic-affinity'))).toBe(true);
    await complete(3, 6);
    expect([...new Set(steps)]).toEqual(['newcomer', 'content', 'vector']);
  });
});

describe('policy', () => {
  test('age, region and moderation keep a video from who may not see it, and explain names which', async () => {
    const user = newUser();
    const made = makeCatalogue(4, seed + 9, Date.now()).map((v) => ({ ...v, occurredAt: Date.now() }));
    const [adult, elsewhere, limited, blocked] = made as [(typeof made)[number], (typeof made)[number], (typeof made)[number], (typeof made)[number]];
    await producer.send(videoPublished, [
      { ...adult, minAge: 18 },
      { ...elsewhere, blockedRegions: ['DE'] },
      { ...limited, moderation: 'limited' },
      { ...blocked, moderation: 'blocked' },
    ]);
    const by = async (query = '') => {
      const { explain } = await page(user, `count=50&session_id=${crypto.randomUUID()}&explain=1&region=DE${query}`, ['explain']);
      return made.map((v) => explain?.candidates.find((c) => c.videoId === v.videoId)?.by);
    };
    await eventually('all four are dropped for their reasons', async () => String(await by()) === 'right-age,allowed-in-region,approved,approved');
  });
});
