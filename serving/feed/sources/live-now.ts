import { liveNow } from '#schemas/features/views/videos.ts';
import type { Source } from '../../engine/pipeline.ts';
import type { FeedQuery, FeedServices } from '../query.ts';
import { keptFor } from './kept-for.ts';

const offered = 20;
/** Broadcasts that are looked through: those that are over stay in the list until newer ones displace them. */
const latest = 1_000;
const freshMs = 500;

interface Broadcast {
  readonly id: string;
  readonly creatorId: string;
  readonly region: string;
}

/** Broadcasts that go on: of creators whom the viewer follows first, then of his region, then the newest. */
export const liveBroadcasts = (services: FeedServices): Source<FeedQuery> => {
  const broadcasts = keptFor(freshMs, () => goingOn(services));
  return {
    name: 'live-now',
    budgetMs: 60,
    async find({ nowMs, region, viewer, videos }) {
      const near = ({ creatorId, region: theirs }: Broadcast) => (viewer.follows.has(creatorId) ? 2 : theirs === region ? 1 : 0);
      const nearest = (await broadcasts(nowMs)).toSorted((a, b) => near(b) - near(a)).slice(0, offered);
      return videos.numbers(nearest.map((b) => b.id));
    },
  };
};

async function goingOn({ lists, catalogue }: FeedServices): Promise<readonly Broadcast[]> {
  const [ids = []] = await lists.keys([{ view: liveNow, entity: 'world', limit: latest }]);
  return (await catalogue.videos(ids)).flatMap(({ id, card }) => (card?.live ? [{ id, creatorId: card.creatorId, region: card.region }] : []));
}
