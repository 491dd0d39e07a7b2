import { type EventOf, event, int, oneOf, strings, text, timestampMs } from './contract.ts';

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
    region: text('Region of the creator, for example DE.', ''),
    soundId: text('The sound that it uses, when it is another one than its own.', ''),
    derivation: oneOf('How it builds on another video.', ['none', 'duet', 'stitch'], 'none'),
    derivedFrom: text('The video that a duet or stitch builds on.', ''),
    minAge: int('Youngest viewer that its creator made it for, in years; 0 for everybody.', 0),
  },
});
export type VideoUploaded = EventOf<typeof videoUploaded>;
