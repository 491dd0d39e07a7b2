import { double, event, text, timestampMs } from './contract.ts';

/** A hint for the edge: viewers of a region are about to be shown this video. */
export const edgePrewarm = event({
  topic: 'edge-prewarm',
  doc: 'A video is about to be played in a region: its first segment should be there before the player asks.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Video, region and half a minute: repeats say nothing new.'),
    videoId: text('The video. Also the record key.'),
    region: text('Where it is about to be played.'),
    hlsUrl: text('URL of the HLS master playlist.', ''),
    firstSegmentUrl: text('URL of the first media segment.', ''),
    occurredAt: timestampMs('When the page was served that it is on.'),
    chance: double('How likely the item is reached, from its place on the page.', 1),
  },
});
