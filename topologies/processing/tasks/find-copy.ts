import { mediaTask } from '../job.ts';
import type { Copy } from '../known-pictures.ts';
import { scenes } from './scenes.ts';

/** Whether the pictures are somebody's already; from then on they are known themselves. */
export const findCopy = mediaTask({
  name: 'find-copy',
  version: 1,
  needs: { scenes },
  of: 'video',
  weight: 1,
  async run({ pictures, video }, inputs): Promise<{ readonly copy: Copy | null }> {
    if (!pictures) return { copy: null };
    const copy = await pictures.find(video.videoId, inputs.scenes.frames);
    await pictures.add(video.videoId, video.creatorId, inputs.scenes.frames);
    return { copy };
  },
});
