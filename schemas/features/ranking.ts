import { columnNames, readPacked } from './read.ts';
import { type AnyPackedView, fingerprint } from './view.ts';
import { creatorView, userView, videoView } from './views/engagement.ts';

/**
 * What a ranker knows of one viewer and one candidate at one moment: a row of numbers in one order,
 * filled here for serving, for the replay of history and for training alike. The base values are logged
 * with what was served; the derived ones follow from them, so that they need no log.
 */

/** Of the pair of viewer and video. */
const pairFeatures = [
  'topicAffinity',
  'topicAvoidance',
  'creatorAffinity',
  'followed',
  'ageHours',
  'durationSeconds',
  'sources',
  'similarity',
  'idleMinutes',
  'position',
  'hourSin',
  'hourCos',
] as const;
/** Which sources offered the video. */
export const sourceNames = [
  'trending-in-region',
  'followed-creators',
  'topic-affinity',
  'fresh',
  'similar-taste',
  'similar-to-recent',
  'similar-content',
  'exposure-pool',
  'explore',
] as const;

const lastSeen = columnNames(userView).indexOf('lastSeenMs');
const columnsOf = (view: AnyPackedView): string[] => columnNames(view).map((name) => `${view.name}.${name}`);
/** The moment of the last event is read as `idleMinutes`: a date itself would say nothing of tomorrow. */
const userColumns = columnsOf(userView).filter((_name, i) => i !== lastSeen);

const base: readonly string[] = [...pairFeatures, ...sourceNames.map((s) => `from.${s}`), ...columnsOf(videoView), ...userColumns, ...columnsOf(creatorView)];
export const baseFeatureCount = base.length;

/** Smoothed shares: a sum over the watches it is a share of, pulled to a prior by as many imagined watches. */
interface Rate {
  readonly name: string;
  readonly part: number;
  readonly whole: number;
  readonly prior: number;
}
const priorWatches = 8;
const priors: Readonly<Record<string, number>> = {
  completes: 0.4,
  watchFraction: 0.5,
  earlySkips: 0.25,
  likes: 0.05,
  replays: 0.05,
  shares: 0.01,
  comments: 0.02,
  follows: 0.01,
  reports: 0.005,
  notInterested: 0.01,
};
const rates: readonly Rate[] = base.flatMap((name, part) => {
  const [entity, column] = name.split('.') as [string, string | undefined];
  const [signal, halfLife] = column?.split('_') ?? [];
  const prior = priors[signal ?? ''];
  if (prior === undefined) return [];
  // Rare answers are counted over fourteen days; a video's watches over its whole life are the nearest whole.
  const watches = base.indexOf(`${entity}.watches_${halfLife}`);
  return [{ name: `${entity}.${signal}Rate_${halfLife}`, part, whole: watches >= 0 ? watches : base.indexOf(`${entity}.watches_all`), prior }];
});

/** Names of all features, in the order of a row. */
export const rankingFeatures: readonly string[] = [...base, ...rates.map((r) => r.name)];
/**
 * What is known of a candidate before its creator is read, without what all candidates of a moment share: the features
 * that a pre-ranker may use.
 */
export const preRankingFeatures: readonly string[] = rankingFeatures.filter(
  (name) => name !== 'position' && !name.startsWith('hour') && name !== 'idleMinutes' && !name.startsWith('user.') && !name.startsWith('creator.'),
);
const places = new Map(rankingFeatures.map((name, i) => [name, i]));
export function rankingFeature(name: string): number {
  const at = places.get(name);
  if (at === undefined) throw new TypeError(`there is no ranking feature "${name}"`);
  return at;
}

/** Fingerprints of the views that the base values come from: training knows which definition a value followed. */
export const featureVersion = [videoView, userView, creatorView].map((v) => `${v.name}@${fingerprint(v).toString(16)}`).join(' ');

const at = Object.fromEntries(pairFeatures.map((name) => [name, rankingFeature(name)])) as Record<(typeof pairFeatures)[number], number>;
const firstSource = rankingFeature(`from.${sourceNames[0]}`);
/** Where the columns of the video's and the creator's view begin in a row. */
export const videoColumnsAt = rankingFeature(columnsOf(videoView)[0] as string);
const userAt = rankingFeature(userColumns[0] as string);
export const creatorColumnsAt = rankingFeature(columnsOf(creatorView)[0] as string);

/** The shares that follow from the columns of one view: they lie behind each other in a row too. */
export interface Rates {
  /** Where the columns that they follow from begin in a row, and where they do. */
  readonly columnsAt: number;
  readonly at: number;
  readonly count: number;
  /** Writes them, from columns that begin at `columns` of `from`, to `to` of `into`. */
  fill(from: Float32Array, columns: number, into: Float32Array, to: number): void;
}
function ratesOf(view: AnyPackedView, columnsAt: number): Rates {
  const own = rates.flatMap((rate, i) => (rate.name.startsWith(`${view.name}.`) ? [{ ...rate, i }] : []));
  const parts = Int32Array.from(own, (r) => r.part - columnsAt);
  const wholes = Int32Array.from(own, (r) => r.whole - columnsAt);
  const imagined = Float64Array.from(own, (r) => r.prior * priorWatches);
  return {
    columnsAt,
    at: baseFeatureCount + (own[0]?.i as number),
    count: own.length,
    fill(from, columns, into, to) {
      for (let i = 0; i < parts.length; i++)
        into[to + i] =
          ((from[columns + (parts[i] as number)] as number) + (imagined[i] as number)) /
          (Math.max(0, from[columns + (wholes[i] as number)] as number) + priorWatches);
    },
  };
}
export const videoRates = ratesOf(videoView, videoColumnsAt);
const userRates = ratesOf(userView, userAt);
export const creatorRates = ratesOf(creatorView, creatorColumnsAt);

/** Topics and creators by name, or by whatever `K` the caller knows them by. */
export interface ViewerFacts<K = string> {
  readonly topics: ReadonlyMap<K, number>;
  readonly topicsAvoided: ReadonlyMap<K, number>;
  readonly creators: ReadonlyMap<K, number>;
  readonly follows: ReadonlySet<K>;
}
export interface CandidateFacts<K = string> {
  readonly creatorId: K;
  readonly topics: readonly K[];
  readonly publishedAt: number;
  readonly durationMs: number;
}

const week = 7 * 24 * 60;
const day = 86_400_000;

/** What every candidate of one moment shares: the viewer's own values, the hour, the position. */
export function fillMoment(row: Float32Array, packed: Buffer | null, nowMs: number, position: number): void {
  fillUser(row, packed, nowMs);
  row[at.position] = position;
  const angle = (2 * Math.PI * (nowMs % day)) / day;
  row[at.hourSin] = Math.sin(angle);
  row[at.hourCos] = Math.cos(angle);
  userRates.fill(row, userAt, row, userRates.at);
}
/** Copies what `fillMoment` wrote to the row that begins at `offset`. */
export function copyMoment(from: Float32Array, to: Float32Array, offset = 0): void {
  for (let i = at.idleMinutes; i <= at.hourCos; i++) to[offset + i] = from[i] as number;
  for (let i = userAt; i < creatorColumnsAt; i++) to[offset + i] = from[i] as number;
  for (let i = userRates.at; i < userRates.at + userRates.count; i++) to[offset + i] = from[i] as number;
}

/**
 * The values of a pair, in the row that begins at `offset`. `sources`: which of them offered the video, bit by bit in
 * the order of `sourceNames`; bits above them count as sources without a name. `similarity`: cosine of the viewer's
 * and the video's vectors, 0 when one of them is unknown. Times are epoch milliseconds.
 */
export function fillPair<K>(
  row: Float32Array,
  viewer: ViewerFacts<K>,
  video: CandidateFacts<K>,
  sources: number,
  similarity: number,
  nowMs: number,
  offset = 0,
): void {
  let affinity = 0;
  let avoidance = 0;
  for (let i = 0; i < video.topics.length; i++) {
    const topic = video.topics[i] as K;
    affinity += viewer.topics.get(topic) ?? 0;
    avoidance += viewer.topicsAvoided.get(topic) ?? 0;
  }
  row[offset + at.topicAffinity] = affinity;
  row[offset + at.topicAvoidance] = avoidance;
  row[offset + at.creatorAffinity] = viewer.creators.get(video.creatorId) ?? 0;
  row[offset + at.followed] = viewer.follows.has(video.creatorId) ? 1 : 0;
  row[offset + at.ageHours] = video.publishedAt > 0 ? Math.max(0, nowMs - video.publishedAt) / 3_600_000 : 0;
  row[offset + at.durationSeconds] = video.durationMs / 1_000;
  row[offset + at.similarity] = similarity;
  let count = 0;
  for (let bits = sources; bits !== 0; bits &= bits - 1) count++;
  row[offset + at.sources] = count;
  for (let s = 0; s < sourceNames.length; s++) row[offset + firstSource + s] = (sources >>> s) & 1;
}

/** Minutes since the viewer's last event, a week at most. */
export const idleMinutes = (lastSeenMs: number, nowMs: number): number => (lastSeenMs > 0 ? Math.min(week, Math.max(0, nowMs - lastSeenMs) / 60_000) : week);

const userRow = new Float64Array(columnNames(userView).length);
function fillUser(row: Float32Array, value: Buffer | null | undefined, nowMs: number): void {
  readPacked(userView, value, nowMs, userRow);
  row[at.idleMinutes] = idleMinutes(userRow[lastSeen] as number, nowMs);
  for (let from = 0, to = userAt; from < userRow.length; from++) if (from !== lastSeen) row[to++] = userRow[from] as number;
}

/** The values that follow from the base values of a row that begins at `offset`. */
export function fillDerived(row: Float32Array, offset = 0): void {
  for (const { columnsAt, at, fill } of [videoRates, userRates, creatorRates]) fill(row, offset + columnsAt, row, offset + at);
}

const quoted = base.map((name) => JSON.stringify(name));
/** Base values by name for the log, as JSON; what is 0 or no number is left out. An object that gains its fields one by one costs more than its text. */
export function baseValues(row: Float32Array): string {
  let text = '';
  for (let i = 0; i < baseFeatureCount; i++) {
    const value = row[i] as number;
    if (value !== 0 && Number.isFinite(value)) text += `${text === '' ? '' : ','}${quoted[i]}:${value}`;
  }
  return `{${text}}`;
}
export const baseFeatures: readonly string[] = base;
