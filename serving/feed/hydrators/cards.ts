import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidates } from '../candidates.ts';
import { numberedViewer } from '../numbered-viewer.ts';
import type { FeedQuery, FeedServices } from '../query.ts';

/** What the catalogue knows of every candidate, and of the viewer in its numbers. */
export const cards = ({ catalogue }: FeedServices): Hydrator<FeedQuery, FeedCandidates> => ({
  name: 'cards',
  async hydrate({ videos, userId, viewer, served }, candidates) {
    await catalogue.lookUp(videos, candidates.items, candidates.count);
    videos.gather(candidates.items, candidates.count, candidates.facts);
    candidates.viewer = numberedViewer(userId, viewer, served, videos);
  },
});
