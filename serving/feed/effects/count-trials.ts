import { exposureReason } from '#schemas/config/exposure.ts';
import type { Effect } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';
import { kindsOf } from '../sources/trial-audience.ts';

/** Whom a pool showed what: the next of his kind may have to wait for it. */
export const countTrials = ({ trials }: FeedServices): Effect<FeedQuery, FeedCandidate> => ({
  name: 'count-trials',
  async run(query, served) {
    for (const c of served) if (c.reason === exposureReason) trials.shown(c.id, kindsOf(query));
  },
});
