import { mediaLimits } from '#schemas/config/media.ts';
import { segmentSeconds } from '#schemas/media/ladder.ts';
import type { Look, Made, RenditionsCall } from './media.ts';
import { inside } from './sandbox.ts';

/** Containers that are opened. Playlists, image sequences, concatenations and everything else that names another file are not among them. */
const demuxers = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,avi,flv,gif,mpeg,asf,wav,mp3,flac,ogg,aac';
const decoders = [
  'h264,hevc,vp8,vp9,libdav1d,av1,libvpx,libvpx-vp9,mpeg4,msmpeg4v3,mpeg2video,mpeg1video,h263,h263i,flv,gif,mjpeg,prores,theora,wmv2,vc1',
  'aac,mp3,mp3float,mp2,opus,libopus,vorbis,libvorbis,ac3,eac3,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,flac,alac,nellymoser,speex,libspeex,wmav2',
  'pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,pcm_u8,pcm_alaw,pcm_mulaw,adpcm_ima_wav,adpcm_ms,adpcm_swf',
  // Subtitles are not used; a file that has some must open all the same.
  'subrip,srt,ass,ssa,mov_text,webvtt,text',
].join(',');

/** What every reading of a stranger's file begins with. */
export const guarded: readonly string[] = [
  ...['-protocol_whitelist', 'file', '-format_whitelist', demuxers, '-codec_whitelist', decoders],
  ...['-max_pixels', String(mediaLimits.pixelsMax), '-max_streams', String(4 * mediaLimits.streamsMax)],
];

const quiet = ['-hide_banner', '-nostdin', '-v', 'error', '-y'];
const input = (more: readonly string[] = []): string[] => [...quiet, ...guarded, ...more, '-i', inside.file];
/**
 * Nothing plays much longer than the file says: a gap in its times would be filled with pictures and silence, and a
 * few damaged bytes would become ten minutes.
 */
const atMost = (durationMs: number, passedMs = 0): string[] => [
  '-t',
  ((1.1 * Math.min(durationMs, mediaLimits.durationMsMax) - passedMs) / 1_000 + 1).toFixed(3),
];

export const probeArguments = ['-v', 'error', ...guarded, '-count_packets', '-show_format', '-show_streams', '-of', 'json', inside.file];
/** The time and length of each packet of the picture: cheap, for nothing is decoded. */
export const packetArguments = [
  '-v',
  'error',
  ...guarded,
  '-select_streams',
  'v:0',
  '-show_entries',
  'packet=pts_time,duration_time',
  '-of',
  'csv=p=0',
  inside.file,
];

/** BT.2020 PQ or HLG to BT.709, by the curve of John Hable in linear light. */
const toneMap = 'zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,';

/**
 * Times stay as they are, so that the first picture shows at 0 like the first sound: what reordering shifts is told
 * by the edit list, as players expect it.
 */
const hlsOf = (folder: string, first = 0): string[] => [
  ...['-avoid_negative_ts', 'disabled'],
  ...['-f', 'hls', '-hls_time', String(segmentSeconds), '-hls_list_size', '0', '-hls_playlist_type', 'event', '-hls_segment_type', 'fmp4'],
  ...['-start_number', String(first)],
  ...[
    '-hls_flags',
    'independent_segments+temp_file',
    '-hls_fmp4_init_filename',
    'init.mp4',
    '-hls_segment_filename',
    `${folder}/%05d.m4s`,
    `${folder}/index.m3u8`,
  ],
];

const nothing: Made = { segments: 0, seconds: 0 };
/** Frames a second as a fraction of a thousand: what the encoder works with. */
export const milliRate = (framesPerSecond: number): number => Math.round(framesPerSecond * 1_000);
/** Frames that an earlier call made. */
export const framesOf = ({ seconds }: Made, framesPerSecond: number): number => Math.round((seconds * milliRate(framesPerSecond)) / 1_000);

/** Where the frames of a look lie: raw, beside the renditions. */
export const lookFile = 'look.rgb';

/** One decode, one filter graph, one encoder for each rendition; larger pictures are scaled down step by step. */
export function renditionArguments({
  probe,
  renditions,
  made = nothing,
  look,
}: Pick<RenditionsCall, 'probe' | 'renditions'> & Partial<Pick<RenditionsCall, 'made' | 'look'>>): string[] {
  const { framesPerSecond, hdr } = probe.picture;
  const rate = milliRate(framesPerSecond);
  const largestFirst = [...renditions].reverse();
  // What is there already is decoded, for not every container can be entered at a moment, and nothing more.
  const passed = made.segments > 0 ? `trim=start_frame=${framesOf(made, framesPerSecond)},setpts=PTS-STARTPTS,` : '';
  const head = `[0:v:0]fps=fps=${rate}/1000:start_time=0,${passed}${hdr ? toneMap : ''}`;
  const steps = largestFirst.map((rendition, i) => {
    const { width, height, name } = rendition;
    const to = [name, ...(i === largestFirst.length - 1 ? [] : [`to${i + 1}`]), ...(look?.of === rendition ? ['looked'] : [])];
    const split = to.length > 1 ? `,split=${to.length}` : '';
    return `${i === 0 ? head : `[to${i}]`}scale=${width}:${height}:flags=bicubic,setsar=1,format=yuv420p${split}${to.map((pad) => `[${pad}]`).join('')}`;
  });
  if (look) steps.push(`[looked]${lookFilter(look)}[look]`);
  const frames = Math.round((rate / 1_000) * segmentSeconds);
  const outputs = renditions.flatMap(({ name, maxKbps, crf }) => {
    const kbps = Math.round(maxKbps * (framesPerSecond > 40 ? 1.5 : 1));
    return [
      ...['-map', `[${name}]`, '-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-crf', String(crf)],
      ...['-maxrate', `${kbps}k`, '-bufsize', `${2 * kbps}k`, '-g', String(frames), '-keyint_min', String(frames), '-sc_threshold', '0'],
      ...['-force_key_frames', `expr:gte(t,n_forced*${segmentSeconds})`, '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'],
      ...[...atMost(probe.durationMs, 1_000 * made.seconds), '-map_metadata', '-1'],
      ...hlsOf(`${inside.folder}/${name}`, made.segments),
    ];
  });
  const looked = look ? ['-map', '[look]', ...atMost(probe.durationMs), ...rawFrames, `${inside.folder}/${lookFile}`] : [];
  return [...input(), '-progress', 'pipe:1', '-filter_complex', steps.join(';'), ...outputs, ...looked];
}

const lookFilter = ({ width, height, framesPerSecond }: Look): string => `fps=${framesPerSecond}:start_time=0,scale=${width}:${height}:flags=area`;
const rawFrames = ['-pix_fmt', 'rgb24', '-f', 'rawvideo'];

/** Metadata stays behind: a stranger's file may say where it was filmed. */
export const soundArguments = (gainDb: number, durationMs: number): string[] => [
  ...[
    ...input(),
    '-map',
    '0:a:0',
    '-af',
    `aresample=48000:async=1:first_pts=0,volume=${gainDb.toFixed(2)}dB,alimiter=limit=0.84:level=false:attack=1:release=50`,
  ],
  ...[...atMost(durationMs), '-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-map_metadata', '-1', ...hlsOf(inside.folder)],
];

export const loudnessArguments = (durationMs: number): string[] => [
  ...['-hide_banner', '-nostdin', '-v', 'info', '-nostats', ...guarded, '-i', inside.file, '-map', '0:a:0', ...atMost(durationMs)],
  ...['-af', 'loudnorm=print_format=json', '-f', 'null', '-'],
];

export const frameArguments = (look: Look, durationMs: number): string[] => [
  ...[...input(), '-map', '0:v:0', '-vf', lookFilter(look), ...atMost(durationMs)],
  ...[...rawFrames, '-'],
];

export const stillArguments = (atMs: number, size: { width: number; height: number }): string[] => [
  ...[...input(['-ss', (atMs / 1_000).toFixed(3)]), '-map', '0:v:0', '-frames:v', '1'],
  ...['-vf', `scale=${size.width}:${size.height}:flags=lanczos,setsar=1`, '-pix_fmt', 'yuvj420p'],
  ...['-map_metadata', '-1', '-c:v', 'mjpeg', '-q:v', '3', '-f', 'mjpeg', '-'],
];

export const animationArguments = (span: { atMs: number; lengthMs: number; width: number; height: number }): string[] => [
  ...[...input(['-ss', (span.atMs / 1_000).toFixed(3)]), '-map', '0:v:0', '-t', (span.lengthMs / 1_000).toFixed(3)],
  ...['-vf', `fps=8,scale=${span.width}:${span.height}:flags=area`, '-map_metadata', '-1'],
  ...['-c:v', 'libwebp_anim', '-quality', '60', '-compression_level', '3', '-loop', '0', '-f', 'webp', '-'],
];

export const sampleArguments = (rate: number, durationMs: number): string[] => [
  ...[...input(), '-map', '0:a:0', ...atMost(durationMs), '-ac', '1', '-ar', String(rate), '-f', 'f32le', '-'],
];

/** Samples that are read as if there were more or fewer a second play faster or slower. */
export const fingerprintArguments = (durationMs: number, { speed, skipMs }: { speed: number; skipMs: number }): string[] => [
  ...[...input(), '-map', '0:a:0', ...atMost(durationMs), '-ac', '1'],
  ...['-af', `atrim=start=${(skipMs / 1_000).toFixed(4)},aresample=48000,asetrate=${Math.round(48_000 * speed)},aresample=11025`],
  ...['-f', 'chromaprint', '-fp_format', 'raw', '-'],
];
