import { Refusal } from '#infra/media/media.ts';
import { mediaLimits, processLimits } from '#schemas/config/media.ts';
import { mediaTask } from '../job.ts';

/** What is in the file, and whether it may be processed at all. */
export const probe = mediaTask({
  name: 'probe',
  version: 1,
  needs: {},
  of: 'content',
  weight: 1,
  async run({ media, original, video }, _inputs, { signal }) {
    if (video.sizeBytes > mediaLimits.bytesMax) throw new Refusal('tooLarge', `${video.sizeBytes} bytes; at most ${mediaLimits.bytesMax} are taken`);
    return media.probe(original, { limits: processLimits.probe, signal });
  },
});
