import { type EventOf, event, int, oneOf, text, timestampMs } from './contract.ts';

export const videoProgress = event({
  topic: 'video-progress',
  doc: 'How far the processing of an upload has come. For people who wait; nothing is decided by it.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    videoId: text('The video. Also the record key.'),
    creatorId: text('Who uploaded it.'),
    occurredAt: timestampMs('When it came so far.'),
    state: oneOf('Playable: its creator can watch a first rendition. Held: it waits for a reviewer.', ['processing', 'playable', 'waiting', 'held']),
    task: text('The task that began, ended or came further.', ''),
    percent: int('Of the work that this upload needs, 0 to 100.', 0),
    detail: text('What is waited for, in words.', ''),
    hlsUrl: text('Where a first rendition plays; empty before that.', ''),
  },
});
export type VideoProgress = EventOf<typeof videoProgress>;
