import { mediaLimits } from '#schemas/config/media.ts';
import { type Picture, type Probe, Refusal, type Sound } from './media.ts';

interface Stream {
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly width?: number;
  readonly height?: number;
  readonly sample_aspect_ratio?: string;
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly color_transfer?: string;
  readonly duration?: string;
  readonly nb_read_packets?: string;
  readonly channels?: number;
  readonly sample_rate?: string;
  readonly disposition?: { readonly attached_pic?: number };
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}
export interface ProbeOutput {
  readonly streams?: readonly Stream[];
  readonly format?: { readonly format_name?: string; readonly duration?: string };
}

const ratio = (text: string | undefined): number => {
  const [above, below] = (text ?? '').split(/[/:]/).map(Number);
  const value = (above as number) / (below ?? 1);
  return Number.isFinite(value) && value > 0 ? value : 0;
};

/** SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG). */
const hdrTransfers = new Set(['smpte2084', 'arib-std-b67']);
/** A rate that swings by more than this between frames is called variable. */
const steady = 0.02;

/** What `ffprobe -show_format -show_streams -of json` says, judged. `packetsMs` is where the last packet ends, for files that do not say. */
export function readProbe(output: ProbeOutput, packetsMs: number): Probe {
  const streams = output.streams ?? [];
  if (streams.length > mediaLimits.streamsMax) throw new Refusal('tooCostly', `it has ${streams.length} streams`);
  const video = streams.find((s) => s.codec_type === 'video' && !s.disposition?.attached_pic);
  if (!video?.codec_name) throw new Refusal('notAVideo', 'there is no picture in it');
  const stated = 1_000 * Number(video.duration ?? output.format?.duration ?? Number.NaN);
  const durationMs = Math.round(Number.isFinite(stated) && stated > 0 ? stated : packetsMs);
  const sound = streams.find((s) => s.codec_type === 'audio' && (s.channels ?? 0) > 0 && Number(s.sample_rate) > 0);
  return judge({ container: output.format?.format_name ?? '', durationMs, picture: pictureOf(video, durationMs), sound: sound ? soundOf(sound) : null });
}

function pictureOf(video: Stream, durationMs: number): Picture {
  const rotation = ((((video.side_data_list ?? []).find((d) => d.rotation !== undefined)?.rotation ?? 0) % 360) + 360) % 360;
  const coded = [Math.round((video.width ?? 0) * (ratio(video.sample_aspect_ratio) || 1)), video.height ?? 0] as const;
  const [width, height] = rotation === 90 || rotation === 270 ? [coded[1], coded[0]] : coded;
  const base = ratio(video.r_frame_rate);
  const average = averageRate(video, durationMs) || Math.min(base, 30) || 25;
  const framesPerSecond = Math.min(mediaLimits.framesPerSecondMax, average);
  return {
    codec: video.codec_name ?? '',
    width,
    height,
    framesPerSecond,
    variableRate: base > 0 && Math.abs(average - base) / base > steady,
    hdr: hdrTransfers.has(video.color_transfer ?? ''),
    rotation: (360 - rotation) % 360,
  };
}

/** Some containers state the rate of fields, or none: what was counted corrects a statement that is far off. */
function averageRate(video: Stream, durationMs: number): number {
  const stated = ratio(video.avg_frame_rate);
  const counted = durationMs > 0 ? (1_000 * Number(video.nb_read_packets ?? 0)) / durationMs : 0;
  return stated > 0 && (counted === 0 || Math.abs(counted - stated) / stated < 0.2) ? stated : counted;
}

const soundOf = (audio: Stream): Sound => ({ codec: audio.codec_name ?? '', channels: audio.channels ?? 0, sampleRate: Number(audio.sample_rate) });

function judge(probe: Probe): Probe {
  const { width, height } = probe.picture;
  const refuse = (reason: ConstructorParameters<typeof Refusal>[0], detail: string): never => {
    throw new Refusal(reason, detail);
  };
  // So it is when the picture is larger than a decoder may open.
  if (width === 0 || height === 0) refuse('notAVideo', 'its picture has no size that can be read');
  if (Math.min(width, height) < mediaLimits.sideMin) refuse('tooSmall', `${width} x ${height} pixels; the shorter side must have ${mediaLimits.sideMin}`);
  if (width * height > mediaLimits.pixelsMax || Math.max(width, height) > mediaLimits.sideMax) refuse('tooLarge', `${width} x ${height} pixels`);
  if (!(probe.durationMs > 0)) refuse('damaged', 'it has no frames');
  if (probe.durationMs < mediaLimits.durationMsMin) refuse('tooShort', `${probe.durationMs} ms; ${mediaLimits.durationMsMin} ms are needed`);
  if (probe.durationMs > mediaLimits.durationMsMax)
    refuse('tooLong', `${Math.round(probe.durationMs / 1_000)} s; at most ${mediaLimits.durationMsMax / 1_000} s are taken`);
  return probe;
}
