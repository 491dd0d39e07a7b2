import { double, event, int, strings, text, timestampMs } from './contract.ts';

/** One event per item of a response, so that an outcome joins the exact row that caused it. */
export const feedServed = event({
  topic: 'feed-served',
  doc: 'One item of a feed response, with the features as they were scored.',
  key: 'userId',
  time: 'occurredAt',
  fields: {
    eventId: text('requestId and position: unique per item.'),
    requestId: text('The response.'),
    userId: text('The viewer. Also the record key.'),
    sessionId: text('The session.'),
    videoId: text('The video that was served.'),
    position: int('Position in the session, from 0.'),
    occurredAt: timestampMs('When it was served.'),
    score: double('Final score.'),
    reason: text('The source that is shown as the reason.'),
    sources: strings('Every source that offered the video.'),
    features: text('JSON object of feature name to value, exactly as the scorer saw them; what is 0 is left out.', ''),
    scorer: text('Scorer and version, for example heuristic@1.'),
    featureVersion: text('Fingerprints of the feature views that were read.', ''),
    indexVersion: text('Version of the vectors and index that retrieval used; empty without one.', ''),
    arm: text('Experiment arm.', ''),
    propensity: double('The chance with which the item came to its place; 1 where nothing was drawn.', 1),
    drawPlace: int('Among those it was drawn from, its place by score, from 0; 0 where nothing was drawn.', 0),
    degraded: int('1 when the response was made without its online store.', 0),
  },
});
