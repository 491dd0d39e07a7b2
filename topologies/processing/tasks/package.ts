import { mediaTask } from '../job.ts';
import { masterPlaylist, mediaPlaylist, targetOf } from '../playlists.ts';
import { ladder } from './ladder.ts';
import { sound } from './sound.ts';

export interface PackageResult {
  readonly hlsUrl: string;
  /** The same pictures without a sound. */
  readonly mutedUrl: string;
  readonly hasSound: boolean;
  readonly firstSegmentUrl: string;
  readonly bytes: number;
}

/** The lists that players read. The master comes last: whoever finds it finds everything. */
export const packaged = mediaTask({
  name: 'package',
  version: 1,
  needs: { ladder, sound },
  of: 'content',
  weight: 1,
  async run({ content }, inputs): Promise<PackageResult> {
    const pictures = inputs.ladder;
    const tracks = [...pictures, ...(inputs.sound.track ? [inputs.sound.track] : [])];
    // One target for all lists, as switching between them wants it.
    const target = targetOf(tracks.flatMap((t) => t.segments));
    for (const track of tracks) await content.put(`${track.folder}/index.m3u8`, mediaPlaylist(track.segments, true, target));
    await content.put('muted.m3u8', masterPlaylist(pictures, null));
    await content.put('master.m3u8', masterPlaylist(pictures, inputs.sound.track));
    const [smallest] = pictures;
    return {
      hlsUrl: content.url('master.m3u8'),
      mutedUrl: content.url('muted.m3u8'),
      hasSound: inputs.sound.track !== null,
      firstSegmentUrl: smallest ? content.url(`${smallest.folder}/${smallest.segments[0]?.name}`) : '',
      bytes: tracks.reduce((sum, t) => sum + t.initBytes + t.segments.reduce((all, s) => all + s.bytes, 0), 0),
    };
  },
});
