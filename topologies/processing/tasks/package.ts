import { chaptersFile } from '../chapters.ts';
import { mediaTask } from '../job.ts';
import { masterPlaylist, mediaPlaylist, targetOf } from '../playlists.ts';
import { ladder } from './ladder.ts';
import { scenes } from './scenes.ts';
import { sound } from './sound.ts';

export interface PackageResult {
  readonly hlsUrl: string;
  /** The same pictures without a sound. */
  readonly mutedUrl: string;
  readonly hasSound: boolean;
  readonly firstSegmentUrl: string;
  /** Empty when there is one chapter. */
  readonly chaptersUrl: string;
  readonly bytes: number;
}

/** The lists that players read. The master comes last: whoever finds it finds everything. */
export const packaged = mediaTask({
  name: 'package',
  version: 2,
  needs: { ladder, sound, scenes },
  of: 'content',
  weight: 1,
  async run({ content }, inputs): Promise<PackageResult> {
    const pictures = inputs.ladder;
    const tracks = [...pictures, ...(inputs.sound.track ? [inputs.sound.track] : [])];
    // One target for all lists, as switching between them wants it.
    const target = targetOf(tracks.flatMap((t) => t.segments));
    for (const track of tracks) await content.put(`${track.folder}/index.m3u8`, mediaPlaylist(track.segments, true, target));
    const { chaptersMs } = inputs.scenes;
    const lengthMs = 1_000 * (pictures[0]?.segments ?? []).reduce((sum, s) => sum + s.seconds, 0);
    if (chaptersMs.length > 1) await content.put('chapters.vtt', chaptersFile(chaptersMs, lengthMs));
    await content.put('muted.m3u8', masterPlaylist(pictures, null));
    await content.put('master.m3u8', masterPlaylist(pictures, inputs.sound.track));
    const [smallest] = pictures;
    return {
      hlsUrl: content.url('master.m3u8'),
      mutedUrl: content.url('muted.m3u8'),
      hasSound: inputs.sound.track !== null,
      firstSegmentUrl: smallest ? content.url(`${smallest.folder}/${smallest.segments[0]?.name}`) : '',
      chaptersUrl: chaptersMs.length > 1 ? content.url('chapters.vtt') : '',
      bytes: tracks.reduce((sum, t) => sum + t.initBytes + t.segments.reduce((all, s) => all + s.bytes, 0), 0),
    };
  },
});
