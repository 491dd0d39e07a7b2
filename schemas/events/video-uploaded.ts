import { event, int, strings, text, timestampMs } from './contract.ts';

export const videoUploaded = event({
  topic: 'video-uploaded',
  doc: 'A creator finished uploading a file; processing may begin.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    videoId: text('The video. Also the record key.'),
    creatorId: text('Who uploaded it.'),
    occurredAt: timestampMs('When the upload was complete.'),
    objectKey: text('Key of the original in the quarantine bucket.'),
    sizeBytes: int('Size of the original in bytes.', 0),
    sha256: text('Hex SHA-256 of the original, when known.', ''),
    caption: text('Caption as the creator wrote it.', ''),
    topics: strings('Hashtags and topics.'),
  },
});
