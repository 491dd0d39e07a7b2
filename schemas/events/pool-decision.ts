import { double, type EventOf, event, int, oneOf, text, timestampMs } from './contract.ts';

/** Whether an unknown video goes on to more viewers, with all that the decision was made from. */
export const poolDecision = event({
  topic: 'pool-decision',
  doc: 'An exposure pool decided about a video.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Video and pool: of two decisions about one pool the first counts.'),
    videoId: text('The video. Also the record key.'),
    pool: int('The pool that was decided about, from 0.'),
    verdict: oneOf('What was decided.', ['advance', 'hold', 'exhaust']),
    occurredAt: timestampMs('When the evidence was complete, by the log.'),
    viewers: int('Distinct viewers whom pools had shown it.'),
    completed: int('How many of them watched it to the end.'),
    liked: int('How many of them liked it.'),
    averageLikeRate: double('Likes per viewer over all videos in pools.'),
    pGood: double('Posterior probability that the share completed is good.'),
    pBad: double('Posterior probability that it is bad.'),
    pLiked: double('Posterior probability that it is liked more than average.'),
    rule: text('Version of the rule.'),
  },
});
export type PoolDecision = EventOf<typeof poolDecision>;
