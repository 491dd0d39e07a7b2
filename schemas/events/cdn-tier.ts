import { double, type EventOf, event, oneOf, text, timestampMs } from './contract.ts';

/** Where the edge should keep a video, foretold from its first half hour. */
export const cdnTier = event({
  topic: 'cdn-tier',
  doc: 'How much a new video will be watched, and so where the edge should keep it.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('The video: it is foretold once.'),
    videoId: text('The video. Also the record key.'),
    tier: oneOf('hot: on every edge; warm: in every region; cold: at the origin.', ['hot', 'warm', 'cold'], 'cold'),
    expectedWatches: double('Watches expected in the day after its first half hour.'),
    occurredAt: timestampMs('When it was foretold.'),
    model: text('Version of the model.', ''),
  },
});
export type CdnTier = EventOf<typeof cdnTier>;
