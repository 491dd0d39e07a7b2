import { double, type EventOf, event, text, timestampMs } from './contract.ts';

export const copyFound = event({
  topic: 'copy-found',
  doc: 'The pictures of an upload are those of another video, as far as hashes can tell: cropped, scaled, marked or encoded again.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    videoId: text('The video. Also the record key.'),
    creatorId: text('Who uploaded it.'),
    occurredAt: timestampMs('When it was found.'),
    copyOf: text('The video whose pictures they are.'),
    ofCreator: text('Who made that one.', ''),
    share: double('Share of the frames looked at that the other video has too.'),
  },
});
export type CopyFound = EventOf<typeof copyFound>;
