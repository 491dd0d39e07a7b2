import { event, int, text, timestampMs } from './contract.ts';

export const videoErased = event({
  topic: 'video-erased',
  doc: 'What a creator wanted deleted is deleted: the proof, without what was deleted.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    videoId: text('The video. Also the record key.'),
    occurredAt: timestampMs('When nothing of it was left.'),
    objects: int('Objects that were deleted from the store.'),
    rows: int('Rows of the history whose words were taken out.'),
    shared: int('Other videos of the same file, for whose sake the stream stays; 0 when it is gone.', 0),
  },
});
