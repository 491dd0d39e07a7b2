import { rankingFeature } from '#schemas/features/ranking.ts';
import type { Selector } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

const watches = rankingFeature('creator.watches_d14');

/** Videos of creators whom few have watched yet stand some places higher than their score alone puts them. */
export const newCreators: Selector<FeedQuery, FeedCandidate> = {
  name: 'new-creators',
  select({ selection }, ranked) {
    const { newCreatorLift, newCreatorWatches } = selection;
    const lifted: number[] = [];
    const others: number[] = [];
    for (let i = 0; i < ranked.length; i++) {
      const isNew = (ranked[i] as FeedCandidate).feature(watches) < newCreatorWatches;
      (isNew ? lifted : others).push(i);
    }
    // Both are in order: the next of them is the one that stands higher, and of two in one place the one that rose.
    const list: FeedCandidate[] = [];
    for (let l = 0, o = 0; list.length < ranked.length; ) {
      const rises = l < lifted.length && (o >= others.length || (lifted[l] as number) - newCreatorLift <= (others[o] as number));
      const next = (rises ? lifted[l++] : others[o++]) as number;
      list.push(ranked[next] as FeedCandidate);
    }
    return list;
  },
};
