import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '#infra/media/media.ts';
import { videoCodecOf } from '#infra/media/mp4.ts';
import { processLimits } from '#schemas/config/media.ts';
import { ladderFor, type Rendition, segmentSeconds } from '#schemas/media/ladder.ts';
import type { PictureTrack, Segment } from '#schemas/media/playback.ts';
import { mediaTask } from '../job.ts';
import { masterPlaylist, mediaPlaylist } from '../playlists.ts';
import { probe } from './probe.ts';
import { scan } from './scan.ts';
import { sound } from './sound.ts';

/** A file that ends earlier than this share of its stated length is damaged. */
const leastRead = 0.8;

/**
 * Every rendition from one decode. Segments go to the store while the next ones are encoded; as soon as the first of
 * the smallest rendition is there its creator can watch, by a list that grows.
 */
export const ladder = mediaTask({
  name: 'ladder',
  version: 1,
  needs: { probe, scan, sound },
  of: 'content',
  weight: 80,
  async run({ media, original, content, scratch, playable }, inputs, { signal, progress }): Promise<readonly PictureTrack[]> {
    const { picture, durationMs } = inputs.probe;
    const renditions = ladderFor(picture.width, picture.height);
    const into = join(scratch, 'ladder');
    await rm(into, { recursive: true, force: true });
    const first = renditions[0] as Rendition;
    const soundTrack = inputs.sound.track;
    const shown: Segment[] = [];
    const track = async (rendition: Rendition, segments: readonly Segment[]): Promise<PictureTrack> => {
      const init = await readFile(join(into, rendition.name, 'init.mp4'));
      const { width, height, name: folder } = rendition;
      return { folder, codec: videoCodecOf(init), initBytes: init.length, segments, width, height, framesPerSecond: picture.framesPerSecond };
    };

    // One after another, in order: who fetches a list finds what it names.
    let sending: Promise<void> = Promise.resolve();
    let failed: unknown = null;
    const send = (work: () => Promise<void>) => {
      sending = sending
        .then(() => (failed ? undefined : work()))
        .catch((error) => {
          failed ??= error;
        });
    };
    const put = async (rendition: Rendition, name: string) => content.put(`${rendition.name}/${name}`, await readFile(join(into, rendition.name, name)));
    const segments = await media.renditions({
      file: original,
      probe: inputs.probe,
      renditions,
      into,
      limits: processLimits.ladder,
      signal,
      onProgress: (doneMs) => progress(Math.min(1, doneMs / durationMs)),
      onSegment: (rendition, segment) => {
        send(async () => {
          if (segment.name.startsWith('00000.')) await put(rendition, 'init.mp4');
          await put(rendition, segment.name);
          if (rendition !== first) return;
          shown.push(segment);
          await content.put(`${first.name}/index.m3u8`, mediaPlaylist(shown, false, segmentSeconds));
          if (shown.length > 1) return;
          if (soundTrack) await content.put('sound/index.m3u8', mediaPlaylist(soundTrack.segments, true));
          await content.put('first.m3u8', masterPlaylist([await track(first, shown)], soundTrack));
          playable(content.url('first.m3u8'));
        });
      },
    });
    await sending;
    if (failed) throw failed;
    const readMs = 1_000 * (segments[0] ?? []).reduce((sum, s) => sum + s.seconds, 0);
    if (readMs < leastRead * durationMs) throw new Refusal('damaged', `it ends after ${Math.round(readMs)} ms of ${durationMs} ms`);
    return Promise.all(renditions.map((rendition, i) => track(rendition, segments[i] as readonly Segment[])));
  },
});
