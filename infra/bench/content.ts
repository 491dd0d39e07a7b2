import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { processLimits } from '#schemas/config/media.ts';
import { type ContentVectors, contentSpaceOf, packVector, placeIn, projected } from '#schemas/media/content-vector.ts';
import { logMel, sampleRate, soundDescriptor } from '../../topologies/processing/descriptors/sound.ts';
import { visualDescriptor } from '../../topologies/processing/descriptors/visual.ts';
import { frameStats, histogram, sceneStarts } from '../../topologies/processing/look.ts';
import { readConfig } from '../config.ts';
import { ForyouError } from '../errors.ts';
import { OnnxRuntime } from '../inference/onnx-runtime.ts';
import { FfmpegMedia } from '../media/ffmpeg.ts';
import type { Frames } from '../media/media.ts';
import { OnnxVisualEncoder } from '../media/onnx-encoders.ts';
import { pictureFeatures } from '../media/picture-model.ts';
import { type BenchRow, figure } from './row.ts';

const run = promisify(execFile);
const pieceSeconds = 2.4;
const framesPerSecond = 4;

interface Piece {
  readonly film: string;
  readonly file: string;
}
interface Seen {
  readonly film: string;
  readonly ways: Readonly<Record<string, ContentVectors>>;
}

/** Two films under one name are one film: what is asked is which film a piece is of. */
const filmOf = (name: string): string => (/bbb|big_buck/.test(name) ? 'big buck bunny' : /sample/.test(name) ? 'sample' : name);

/** Every real clip, cut into pieces that hardly overlap; two clips of one film may show the same moments. */
async function piecesOf(clips: string, folder: string): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for (const name of readdirSync(clips).sort()) {
    const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', join(clips, name)]);
    const count = Math.min(6, Math.floor((Number.parseFloat(stdout) + 0.1) / pieceSeconds));
    for (let i = 0; i < count; i++) {
      const file = join(folder, `${name}-${i}.mkv`);
      // At an even pace through the whole, since neighbouring seconds are nearly the same picture.
      const from = (i * (Number.parseFloat(stdout) - pieceSeconds)) / Math.max(1, count - 1);
      await cut(join(clips, name), file, ['-ss', from.toFixed(2), '-t', String(pieceSeconds)], 'scale=320:-2');
      pieces.push({ film: filmOf(name), file });
    }
  }
  return pieces;
}

const cut = (from: string, to: string, span: readonly string[], filter: string, quality = 20) =>
  run('ffmpeg', [
    '-v',
    'error',
    '-y',
    ...span,
    '-i',
    from,
    '-vf',
    filter,
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-crf',
    String(quality),
    '-c:a',
    'aac',
    to,
  ]);

/** A piece by each way of describing it. */
async function seen(media: FfmpegMedia, network: OnnxVisualEncoder | null, { film, file }: Piece): Promise<Seen> {
  const { picture, sound, durationMs } = await media.probe(file, { limits: processLimits.probe });
  const call = { limits: processLimits.frames, durationMs };
  const scale = 192 / Math.max(picture.width, picture.height);
  const even = (side: number) => 2 * Math.round((side * scale) / 2);
  const frames = await media.frames(file, { width: even(picture.width), height: even(picture.height), framesPerSecond }, call);
  const heard = sound ? soundDescriptor(logMel(await media.samples(file, sampleRate, call))) : null;
  const visualVector = packVector(visualDescriptor(frames, sceneStarts(frameStats(frames))));
  const soundVector = heard ? packVector(heard) : '';
  const learnt = network && packVector(projected(await network.encode(await media.frames(file, { ...network.size, framesPerSecond: 2 }, call))));
  return {
    film,
    ways: {
      both: { visualVector, soundVector },
      visual: { visualVector, soundVector: '' },
      sound: { visualVector: '', soundVector },
      colours: { visualVector: packVector(colours(frames)), soundVector: '' },
      ...(learnt ? { network: { visualVector: learnt, soundVector: '' }, 'network and sound': { visualVector: learnt, soundVector } } : {}),
    },
  };
}

function colours({ width, height, count, pixels }: Frames): Float32Array {
  const size = width * height * 3;
  const mean = new Float32Array(64);
  for (let f = 0; f < count; f++)
    histogram(pixels.subarray(f * size, (f + 1) * size)).forEach((c, i) => {
      mean[i] = (mean[i] as number) + c / count;
    });
  return mean;
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, v, i) => sum + v * (b[i] as number), 0);

/** Mean average precision by film: how high the other pieces of a piece's own film stand. A film counts once, however long it is. */
function precision(pieces: readonly Seen[], way: string): number {
  const space = contentSpaceOf(pieces.map((p) => p.ways[way] as ContentVectors));
  const places = pieces.map((p) => placeIn(space, p.ways[way] as ContentVectors));
  const byFilm = new Map<string, number[]>();
  for (const [i, piece] of pieces.entries()) {
    const own = places[i];
    const others = pieces.map((p, j) => ({ same: p.film === piece.film, score: own && places[j] ? dot(own, places[j]) : -2, j })).filter((o) => o.j !== i);
    const relevant = others.filter((o) => o.same).length;
    if (relevant === 0) continue;
    let [hits, sum] = [0, 0];
    for (const [rank, o] of others.sort((a, b) => b.score - a.score || a.j - b.j).entries()) if (o.same) sum += ++hits / (rank + 1);
    byFilm.set(piece.film, [...(byFilm.get(piece.film) ?? []), sum / relevant]);
  }
  const means = [...byFilm.values()].map((all) => all.reduce((s, v) => s + v, 0) / all.length);
  return means.reduce((s, v) => s + v, 0) / means.length;
}

/** What an order by lot would give. */
function chance(pieces: readonly Seen[]): number {
  const films = Map.groupBy(pieces, (p) => p.film);
  const shares = [...films.values()].filter((f) => f.length > 1).map((f) => (f.length - 1) / (pieces.length - 1));
  return shares.reduce((s, v) => s + v, 0) / shares.length;
}

/** Share of altered pieces whose own original is the nearest of all. */
function found(pieces: readonly Seen[], altered: readonly Seen[], way: string): number {
  const space = contentSpaceOf(pieces.map((p) => p.ways[way] as ContentVectors));
  const places = pieces.map((p) => placeIn(space, p.ways[way] as ContentVectors));
  const hits = altered.filter((a, i) => {
    const query = placeIn(space, a.ways[way] as ContentVectors);
    const scores = places.map((p) => (p && query ? dot(p, query) : -2));
    return scores.indexOf(Math.max(...scores)) === i;
  });
  return hits.length / altered.length;
}

/** How well pieces of the real clips find each other by what they look and sound like. */
export async function contentRetrieval(say: (line: string) => void): Promise<BenchRow[]> {
  const config = readConfig();
  const clips = join(config.sharedData, 'video/ok');
  if (!existsSync(clips)) throw new ForyouError('input-invalid', `there are no clips in ${clips}`, { fix: 'set FORYOU_SHARED_DATA' });
  const folder = mkdtempSync(join(tmpdir(), 'foryou-bench-content-'));
  try {
    const media = new FfmpegMedia(config.media.sandbox);
    const features = pictureFeatures(config.cacheDir);
    if (features) writeFileSync(join(folder, 'features.onnx'), features);
    const network = features ? await OnnxVisualEncoder.load(join(folder, 'features.onnx'), new OnnxRuntime()) : null;
    const pieces = await piecesOf(clips, folder);
    const [plain, altered]: [Seen[], Seen[]] = [[], []];
    for (const piece of pieces) {
      const file = `${piece.file}-altered.mkv`;
      await cut(piece.file, file, [], 'crop=iw*0.9:ih*0.9,scale=200:-2,eq=brightness=0.06:contrast=1.1', 34);
      plain.push(await seen(media, network, piece));
      altered.push(await seen(media, network, { ...piece, file }));
    }
    const ways = Object.keys(plain[0]?.ways ?? {});
    say(`  ${pieces.length} pieces of ${new Set(pieces.map((p) => p.film)).size} films; by lot ${chance(plain).toFixed(3)}`);
    for (const way of ways)
      say(`  ${way.padEnd(18)} mean average precision ${precision(plain, way).toFixed(3)}, altered found ${found(plain, altered, way).toFixed(3)}`);
    const [map, byColours] = [precision(plain, 'both'), precision(plain, 'colours')];
    return [
      { ...figure('content-retrieval-map', '', null, [map]), opponent: 'colour histogram', opponentValue: byColours, ratio: map / byColours },
      { ...figure('content-retrieval-map-by-lot', '', null, [chance(plain)]) },
      ...(network ? [figure('content-retrieval-map-network', '', null, [precision(plain, 'network')])] : []),
      figure('content-altered-recall-at-1', '', null, [found(plain, altered, 'both')]),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
