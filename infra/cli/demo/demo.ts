import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { engagement } from '#schemas/events/engagement.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { publishedFeed } from '#schemas/features/views/index.ts';
import { kuairand } from '../../../jobs/import/kuairand.ts';
import { Audience } from '../../../jobs/simulate/audience.ts';
import { makeCatalogue } from '../../../jobs/simulate/catalogue.ts';
import { signToken } from '../../../serving/http/auth.ts';
import { type Adapters, connect, disconnect } from '../../adapters.ts';
import { type Config, readConfig } from '../../config.ts';
import { ForyouError } from '../../errors.ts';
import { lagOf } from '../../log/lag.ts';
import { makeClip } from '../../media/make-clip.ts';
import { EventProducer } from '../../producer/producer.ts';
import { Stack } from '../../stack/stack.ts';
import { Supervisor } from '../../stack/supervisor.ts';
import { runImport } from '../commands/import.ts';
import { interruption } from '../output.ts';
import { taskList } from '../task-list.ts';
import { ClipStory } from './clip.ts';
import { FreshnessProbe } from './freshness-probe.ts';
import { LearningLoop } from './learning-loop.ts';
import { Panel, type PanelState, panelLines } from './panel.ts';

const seed = 7;
const videos = 600;
const viewers = 150;
const watchesPerSecond = 100;
/** Of a hundred watches so many are somebody's last, and somebody new comes. */
const newcomers = 0.03;
/** Simulated viewers share one address. */
const addressLimit = 1_000_000;
/** They answer within a second: half an hour of waiting would only hide the loop. */
const trainingHorizonMs = 8_000;

/** Returns the exit code. */
export async function runDemo(base: Config): Promise<number> {
  const config: Config = { ...base, limits: { perUserPerMinute: 100_000, perAddressPerMinute: addressLimit }, trainingHorizonMs };
  if (new Stack(config).orphans().some((p) => p.spec.name === 'supervisor'))
    throw new ForyouError('stack-broken', 'the stack is up already', {
      fix: 'foryou down first, or give the demo another FORYOU_PORT_BASE and FORYOU_STATE_DIR',
    });
  if (config.demoClip && !existsSync(config.demoClip))
    throw new ForyouError('input-invalid', `no such file: ${config.demoClip}`, { fix: 'set CLIP to the path of a video' });
  const interrupted = interruption();
  const supervisor = new Supervisor(config);
  try {
    const began = performance.now();
    const tasks = taskList();
    const started = await Promise.race([supervisor.start(tasks).then(() => true), interrupted.then(() => false)]).finally(() => tasks.close());
    if (!started) return 130;
    // The secret of the local stack was made by the start above.
    return await watchItRun({ ...config, jwt: readConfig().jwt }, interrupted, began);
  } finally {
    console.log('stopping the stack ...');
    await supervisor.stop();
  }
}

async function watchItRun(config: Config, interrupted: Promise<void>, began: number): Promise<number> {
  const adapters = connect(config, 'foryou-demo');
  const url = `http://${config.host}:${config.ports.serving}`;
  const catalogue = makeCatalogue(videos, seed, Date.now());
  await new EventProducer(adapters).send(videoPublished, catalogue);
  const audience = new Audience({
    url,
    catalogue,
    viewers,
    rate: watchesPerSecond,
    newcomers,
    seed,
    tokenFor: (userId) => signToken(config.jwt, userId, [], 86_400),
  });
  const panel = new Panel();
  const probe = new FreshnessProbe(url, () => signToken(config.jwt, `probe-${crypto.randomUUID()}`, ['explain'], 3_600));
  const creator = { url, token: await signToken(config.jwt, 'creator', [], 86_400) };
  const clip = new ClipStory(creator, () => signToken(config.jwt, `newcomer-${crypto.randomUUID()}`, [], 3_600));
  const loops = new Loops();
  const learning = new LearningLoop(config, () => audience.stats);
  try {
    let replayed = false;
    const ready = replay(config).then(async (found) => {
      replayed = found;
      await caughtUp(adapters, { url, token: await signToken(config.jwt, 'nobody', [], 600) });
    });
    if ((await Promise.race([ready.then(() => true), interrupted.then(() => false)])) === false) return 130;
    audience.start();
    const meter = new Meter(adapters, () => audience.stats, probe, { learning, clip }, began);
    let ending = false;
    const told = demoClip(config).then((file) => clip.tell(file, () => ending));
    const learnt = learning.run(() => ending, replayed);
    loops.every(1_000, () => learning.look());
    loops.every(1_000, () => meter.tick());
    loops.every(700, () => probe.measure());
    const token = await signToken(config.jwt, 'you', ['explain'], 86_400);
    const footer = `  curl -s -H 'authorization: Bearer ${token}' '${url}/api/v1/feed/foryou?count=5&explain=1'`;
    if (process.stdout.isTTY !== true) console.log(`try it while it runs:\n${footer}`);
    loops.every(500, async () => panel.show(meter.state, footer));
    await Promise.race([interrupted, ...(config.demoSeconds > 0 ? [new Promise((resolve) => setTimeout(resolve, config.demoSeconds * 1_000))] : [])]);
    ending = true;
    learning.end();
    await Promise.all([learnt, told]);
    await learning.look();
    await meter.tick();
    await loops.stop();
    panel.close();
    console.log(
      `\nsummary\n${panelLines(meter.state)
        .map((l) => `  ${l}`)
        .join('\n')}`,
    );
    return audience.stats.watches > 0 && probe.samplesMs.length > 0 ? 0 : 1;
  } finally {
    await loops.stop();
    await audience.stop();
    await disconnect(adapters);
  }
}

/** The clip that was given, or one that is made here. */
async function demoClip(config: Config): Promise<string> {
  if (config.demoClip) return config.demoClip;
  const file = join(config.stateDir, 'clip.mp4');
  return makeClip(file, { seconds: 6, size: '360x640', rate: 30, picture: 'mandelbrot', sound: 'sine=frequency=220:beep_factor=4:sample_rate=48000' });
}

/** Real engagement when it is there; the simulated viewers do without. */
async function replay(config: Config): Promise<boolean> {
  const folder = join(config.sharedData, 'rec/kuairand27k_likehate');
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((f) => f.endsWith('.tsv'))
        .map((f) => join(folder, f))
    : [];
  if (files.length === 0) {
    console.log('no KuaiRand file found: simulated viewers only');
    return false;
  }
  const results = await runImport(config, kuairand, files, { shiftToNow: true, again: false, json: false });
  for (const r of results)
    console.log(r.alreadyDone ? `  ${r.file} was imported before` : `  ${r.file}: ${r.events} events about ${r.videos} videos, ${r.badLines} bad lines`);
  return true;
}

/** Waits, with a bar, until the online store has folded the videos and what was replayed, and a first feed has something to show. */
async function caughtUp(adapters: Adapters, feed: { readonly url: string; readonly token: string }): Promise<void> {
  const behind = async () =>
    (await lagOf(adapters.log, publishedFeed.group, videoPublished.topic)) + (await lagOf(adapters.log, 'engagement-online', engagement.topic));
  const total = await behind();
  const tasks = taskList();
  const update = tasks.bar('fold videos and engagement into features', Math.max(1, total));
  for (let lag = total; lag > 0 || (await firstPage(feed)) === 0; lag = await behind()) {
    update(Math.max(0, total - lag));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  update(Math.max(1, total));
  tasks.close();
}

/** How many videos somebody would see whom nobody knows. */
async function firstPage({ url, token }: { readonly url: string; readonly token: string }): Promise<number> {
  const answer = await fetch(`${url}/api/v1/feed/foryou?count=5`, { headers: { authorization: `Bearer ${token}` } });
  return answer.ok ? ((await answer.json()) as { items: readonly unknown[] }).items.length : 0;
}

/** Gathers what the panel shows. */
class Meter {
  state: PanelState;
  readonly #adapters: Adapters;
  readonly #stats: () => Audience['stats'];
  readonly #probe: FreshnessProbe;
  readonly #learning: LearningLoop;
  readonly #began: number;
  readonly #clip: ClipStory;
  #last = { events: 0, at: 0 };

  constructor(adapters: Adapters, stats: () => Audience['stats'], probe: FreshnessProbe, stories: { learning: LearningLoop; clip: ClipStory }, began: number) {
    this.#adapters = adapters;
    this.#stats = stats;
    this.#probe = probe;
    const { learning } = stories;
    this.#learning = learning;
    this.#clip = stories.clip;
    this.#began = began;
    this.state = {
      eventsPerSecond: 0,
      totalEvents: 0,
      lag: {},
      freshnessMs: probe.samplesMs,
      audience: stats(),
      learning: learning.lines,
      clip: '',
      elapsedSeconds: 0,
    };
  }

  async tick(): Promise<void> {
    const { log } = this.#adapters;
    const offsets = await log.offsets(engagement.topic);
    const events = offsets.reduce((sum, p) => sum + p.high, 0);
    const [history, online] = await Promise.all(['engagement-history', 'engagement-online'].map((group) => lagOf(log, group, engagement.topic)));
    const at = performance.now();
    const eventsPerSecond = this.#last.at === 0 ? 0 : ((events - this.#last.events) * 1_000) / (at - this.#last.at);
    this.#last = { events, at };
    this.state = {
      eventsPerSecond,
      totalEvents: events,
      lag: { history: history ?? 0, online: online ?? 0 },
      freshnessMs: this.#probe.samplesMs,
      audience: this.#stats(),
      learning: this.#learning.lines,
      clip: this.#clip.line,
      elapsedSeconds: (at - this.#began) / 1_000,
    };
  }
}

/** Repeats pieces of work without overlapping any of them with itself; a failed turn is followed by the next. */
class Loops {
  #stopped = false;
  readonly #running: Promise<void>[] = [];

  every(ms: number, work: () => Promise<unknown>): void {
    const loop = async () => {
      while (!this.#stopped) {
        await work().catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, this.#stopped ? 0 : ms));
      }
    };
    this.#running.push(loop());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#running);
  }
}
