import { rankingFeature } from '#schemas/features/ranking.ts';
import type { Selector } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery } from '../query.ts';

const watches = rankingFeature('creator.watches_d14');

/** Videos of creators whom few have watched yet stand some places higher than their score alone puts them. */
export const newCreators: Selector<FeedQuery, FeedCandidate> = {
  name: 'new-creators',
  select({ selection }, ranked) {
    const { newCreatorLift, newCreatorWatches } = selection;
    const place = (c: FeedCandidate, i: number) => ((c.features[watches] as number) < newCreatorWatches ? i - newCreatorLift - 0.5 : i);
    return ranked
      .map((c, i) => ({ c, place: place(c, i) }))
      .sort((a, b) => a.place - b.place)
      .map(({ c }) => c);
  },
};
