import type { PictureTrack, Segment, Track } from '#schemas/media/playback.ts';

/** HTTP Live Streaming, RFC 8216 and its second edition (draft-pantos-hls-rfc8216bis); version 7 for fMP4. */
const version = 7;
/** Group that the sound is in. */
const soundGroup = 'sound';

/** The longest segment, rounded as section 4.3.3.1 of RFC 8216 says. */
export const targetOf = (segments: readonly Segment[]): number => Math.max(1, ...segments.map((s) => Math.round(s.seconds)));

/** `ended` is false while more segments will come: the list then only grows. */
export function mediaPlaylist(segments: readonly Segment[], ended: boolean, target = targetOf(segments)): string {
  return [
    '#EXTM3U',
    `#EXT-X-VERSION:${version}`,
    `#EXT-X-TARGETDURATION:${target}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    `#EXT-X-PLAYLIST-TYPE:${ended ? 'VOD' : 'EVENT'}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    '#EXT-X-MAP:URI="init.mp4"',
    ...segments.flatMap((s) => [`#EXTINF:${s.seconds.toFixed(6)},`, s.name]),
    ...(ended ? ['#EXT-X-ENDLIST'] : []),
    '',
  ].join('\n');
}

/**
 * Peak rate in bits per second: the highest of any run of segments that lasts between half and one and a half target
 * durations (section 4.1 of RFC 8216). A last segment that is shorter than half of it counts with the one before.
 */
export function peakBandwidth(segments: readonly Segment[]): number {
  const target = targetOf(segments);
  let peak = 0;
  for (let from = 0; from < segments.length; from++) {
    let bytes = 0;
    let seconds = 0;
    for (const segment of segments.slice(from)) {
      bytes += segment.bytes;
      seconds += segment.seconds;
      if (seconds > 1.5 * target) break;
      if (seconds >= 0.5 * target) peak = Math.max(peak, (8 * bytes) / seconds);
    }
  }
  return Math.ceil(peak || averageBandwidth(segments));
}

export function averageBandwidth(segments: readonly Segment[]): number {
  const seconds = segments.reduce((sum, s) => sum + s.seconds, 0);
  return Math.ceil((8 * segments.reduce((sum, s) => sum + s.bytes, 0)) / Math.max(seconds, 1e-3));
}

/** The first is what a player begins with: the 360p rung, or the largest below it. */
export function masterPlaylist(pictures: readonly PictureTrack[], sound: Track | null): string {
  const begin = pictures.findLast((p) => Math.min(p.width, p.height) <= 360) ?? (pictures[0] as PictureTrack);
  const ordered = [begin, ...pictures.filter((p) => p !== begin)];
  const media = sound
    ? [`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="${soundGroup}",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="${sound.folder}/index.m3u8"`]
    : [];
  const variants = ordered.flatMap((p) => {
    const attributes = [
      `BANDWIDTH=${peakBandwidth(p.segments) + (sound ? peakBandwidth(sound.segments) : 0)}`,
      `AVERAGE-BANDWIDTH=${averageBandwidth(p.segments) + (sound ? averageBandwidth(sound.segments) : 0)}`,
      `CODECS="${[p.codec, ...(sound ? [sound.codec] : [])].join(',')}"`,
      `RESOLUTION=${p.width}x${p.height}`,
      `FRAME-RATE=${p.framesPerSecond.toFixed(3)}`,
      'CLOSED-CAPTIONS=NONE',
      ...(sound ? [`AUDIO="${soundGroup}"`] : []),
    ];
    return [`#EXT-X-STREAM-INF:${attributes.join(',')}`, `${p.folder}/index.m3u8`];
  });
  return ['#EXTM3U', `#EXT-X-VERSION:${version}`, '#EXT-X-INDEPENDENT-SEGMENTS', ...media, ...variants, ''].join('\n');
}
