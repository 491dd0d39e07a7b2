import { type EventOf, event, oneOf, text, timestampMs } from './contract.ts';

export const videoRemoved = event({
  topic: 'video-removed',
  doc: 'A video must not be shown any more.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    videoId: text('The video. Also the record key.'),
    occurredAt: timestampMs('When it was removed.'),
    reason: oneOf('Why.', ['creator', 'moderation', 'rights', 'other'], 'other'),
  },
});
export type VideoRemoved = EventOf<typeof videoRemoved>;
