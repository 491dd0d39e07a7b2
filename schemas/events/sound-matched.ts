import { rightsDecisions } from '../config/rights.ts';
import { double, type EventOf, event, int, oneOf, strings, text, timestampMs } from './contract.ts';

export const soundMatched = event({
  topic: 'sound-matched',
  doc: 'The sound of an upload is a registered work. The evidence, and what follows from it.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    videoId: text('The video. Also the record key.'),
    creatorId: text('Who uploaded it.'),
    occurredAt: timestampMs('When it was found.'),
    workId: text('The work.'),
    owner: text('Who registered it.', ''),
    decision: oneOf('What its owner wants done.', rightsDecisions),
    regions: strings('Where; everywhere when empty.'),
    fromMs: int('Where in the video the work begins, in milliseconds.'),
    workFromMs: int('Which moment of the work that is, in milliseconds.'),
    lengthMs: int('How long they are alike.'),
    bitError: double('Share of the bits of the fingerprints that differ over that length.'),
    speed: double('Speed at which the video plays the work; 1 as it is.'),
    rules: text('Version of the rules.', ''),
  },
});
export type SoundMatched = EventOf<typeof soundMatched>;
