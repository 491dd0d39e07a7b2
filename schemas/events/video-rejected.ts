import { rejectionReasons } from '../media/rejection.ts';
import { type EventOf, event, oneOf, text, timestampMs } from './contract.ts';

export const videoRejected = event({
  topic: 'video-rejected',
  doc: 'An upload ended without becoming a video. Of one upload there is either this or video-published, once.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    videoId: text('The video. Also the record key.'),
    creatorId: text('Who uploaded it.'),
    occurredAt: timestampMs('When it was decided.'),
    reason: oneOf('Why.', rejectionReasons),
    detail: text('What was found, for the creator and for support.', ''),
  },
});
export type VideoRejected = EventOf<typeof videoRejected>;
