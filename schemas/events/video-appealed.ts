import { event, text, timestampMs } from './contract.ts';

export const videoAppealed = event({
  topic: 'video-appealed',
  doc: 'A creator disagrees with a decision about a video of theirs.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    videoId: text('The video. Also the record key.'),
    creatorId: text('Who made it.'),
    occurredAt: timestampMs('When they said so.'),
    words: text('What they say.', ''),
  },
});
