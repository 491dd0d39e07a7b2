import { exposureReason } from '../../config/exposure.ts';
import type { Engagement } from '../../events/engagement.ts';
import type { PoolDecision } from '../../events/pool-decision.ts';
import { isCompleted } from '../../events/watch.ts';
import { signal } from '../signal.ts';
import { type CardView, halfLife, type RankedView, type RecentView } from '../view.ts';

/** Distinct viewers per video: a set counts an account once, however often it comes. */
const viewersWho = (name: string, doc: string, when: (e: Engagement) => boolean): RecentView<Engagement> => ({
  storage: 'recent',
  name,
  doc,
  entity: 'videoId',
  key: 'userId',
  capacity: 300_000,
  when: (e) => when(e) && e.reason === exposureReason,
});
export const trialViewers = viewersWho('trial-viewers', 'Whom exposure pools have shown a video.', (e) => e.kind === 'watch');
export const trialCompleted = viewersWho('trial-completed', 'Who of them watched it to the end.', isCompleted);
export const trialLiked = viewersWho('trial-liked', 'Who of them liked it.', (e) => e.kind === 'like');
export const trialRegions: RankedView<Engagement> = {
  storage: 'ranked',
  name: 'trial-regions',
  doc: 'How often exposure pools showed a video where.',
  entity: 'videoId',
  key: 'region',
  halfLifeMs: halfLife.d14,
  capacity: 50,
  value: signal((e) => (e.kind === 'watch' && e.reason === exposureReason ? 1 : 0), `(reason = '${exposureReason}' AND kind = 'watch')`),
};
export const trialVideos: RecentView<Engagement> = {
  ...trialViewers,
  name: 'trial-videos',
  doc: 'Videos that exposure pools showed lately.',
  entity: { all: 'world' },
  key: 'videoId',
  capacity: 2_000,
};
export const trialViews = [trialViewers, trialCompleted, trialLiked, trialRegions, trialVideos] as const;

/** Where a video stands; one that nothing was decided about is in the first pool. */
export interface PoolState {
  readonly pool: number;
  readonly open: boolean;
}
export const videoPool: CardView<PoolDecision> = {
  storage: 'card',
  name: 'video-pool',
  doc: 'The exposure pool that a video is in.',
  entity: 'videoId',
  body: (e) => JSON.stringify({ pool: e.verdict === 'advance' ? e.pool + 1 : e.pool, open: e.verdict === 'advance' } satisfies PoolState),
};
export const firstPool: PoolState = { pool: 0, open: true };

/** From the stored card: an f64 time in front of its body. */
export const poolStateOf = (stored: Buffer | null | undefined): PoolState =>
  stored && stored.length > 8 ? (JSON.parse(stored.toString('utf8', 8)) as PoolState) : firstPool;

export const decisionViews = [videoPool] as const;
