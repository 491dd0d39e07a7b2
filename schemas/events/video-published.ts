import { type EventOf, event, fallbacksOf, int, oneOf, strings, text, timestampMs } from './contract.ts';

export const videoPublished = event({
  topic: 'video-published',
  doc: 'A video became visible: from now on it may be recommended.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    videoId: text('The video. Also the record key.'),
    creatorId: text('Who made it.'),
    occurredAt: timestampMs('When it was published.'),
    durationMs: int('Length in milliseconds.'),
    caption: text('Caption as the creator wrote it.', ''),
    topics: strings('Topics, the most telling first.'),
    region: text('Region of the creator, for example DE.', ''),
    hlsUrl: text('URL of the HLS master playlist.', ''),
    posterUrl: text('URL of the poster image.', ''),
    firstSegmentUrl: text('URL of the first media segment that a player needs, at its lowest rate.', ''),
    previewUrl: text('URL of a short animated preview.', ''),
    placeholder: text('A BlurHash of the poster, to be shown until it is there.', ''),
    chaptersUrl: text('URL of its chapters (WebVTT); empty when it is one.', ''),
    visualVector: text('What it looks like: a float that a byte counts, and one byte a number, as base64.', ''),
    soundVector: text('What it sounds like, in the same way; empty for silence.', ''),
    vectorModel: text('What made these vectors; only those of the same can be compared.', ''),
    width: int('Width of the picture as it is shown, in pixels.', 0),
    height: int('Height of the picture as it is shown, in pixels.', 0),
    soundId: text('The sound that it uses: of a registered work (work/...), of another video, or its own (sound/...) that others may use.', ''),
    live: int('1 for a broadcast that goes on, whose length is 0. It ends by a removal, or by its recording: the same video again, with 0.', 0),
    minAge: int('Youngest viewer that it is for, in years; 0 for everybody.', 0),
    blockedRegions: strings('Regions where it may not be shown.'),
    moderation: oneOf('What moderation decided: limited is shown to followers alone.', ['approved', 'limited', 'blocked'], 'approved'),
  },
});
export type VideoPublished = EventOf<typeof videoPublished>;

type Needed = 'eventId' | 'videoId' | 'creatorId' | 'occurredAt' | 'durationMs';
const fallbacks = fallbacksOf(videoPublished);

/** A publication of which little is known: the rest is what the contract says when nobody does. */
export const publishedVideo = (known: Pick<VideoPublished, Needed> & Partial<VideoPublished>): VideoPublished => ({ ...fallbacks, ...known }) as VideoPublished;
