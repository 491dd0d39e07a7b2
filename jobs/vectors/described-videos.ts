import type { MatMul } from '#infra/inference/matmul.ts';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { type ContentVectors, contentSpaceOf, placeIn, spaceDims } from '#schemas/media/content-vector.ts';
import { videosPublished, videosRemoved } from '#schemas/tables/history.ts';
import { contentNeighbours } from './content.ts';
import type { Neighbours } from './neighbours.ts';

interface Described extends ContentVectors {
  readonly id: string;
}

/** Videos that stand at `end`, with what they look and sound like by the model that described most of them: others cannot be compared. */
export async function describedVideos(warehouse: Warehouse, end: Date): Promise<{ readonly model: string; readonly videos: readonly Described[] }> {
  const before = `occurred_at < fromUnixTimestamp64Milli(${end.getTime()})`;
  const standing = `SELECT video_id AS id, argMax((visual_vector, sound_vector, vector_model), occurred_at) AS v FROM ${videosPublished.name}
    WHERE vector_model != '' AND ${before} AND video_id NOT IN (SELECT video_id FROM ${videosRemoved.name} WHERE ${before}) GROUP BY id`;
  const [most] = await warehouse.query<{ model: string }>(`SELECT v.3 AS model FROM (${standing}) GROUP BY model ORDER BY count() DESC, model LIMIT 1`);
  if (!most) return { model: '', videos: [] };
  const videos = await warehouse.query<Described>(
    `SELECT id, v.1 AS visualVector, v.2 AS soundVector FROM (${standing}) WHERE v.3 = {model:String} ORDER BY id`,
    { model: most.model },
  );
  return { model: most.model, videos };
}

/** Neighbours are found exactly, which costs the square of the number of videos: above this it would take minutes an hour. */
const itemsMax = 30_000;
const itemsMin = 50;
const each = 20;

/** For each of `items` those that look and sound most like it; undefined where too few, or too many, are described. */
export async function neighboursByContent(warehouse: Warehouse, items: readonly string[], end: Date, matmul: MatMul): Promise<Neighbours | undefined> {
  if (items.length > itemsMax) return undefined;
  const { videos } = await describedVideos(warehouse, end);
  const places = new Map(items.map((id, i) => [id, i]));
  const known = videos.filter((v) => places.has(v.id));
  if (known.length < itemsMin) return undefined;
  const space = contentSpaceOf(known);
  const dims = spaceDims(space);
  const data = new Float32Array(items.length * dims);
  for (const video of known) {
    const place = placeIn(space, video);
    if (place) data.set(place, dims * (places.get(video.id) as number));
  }
  return contentNeighbours(matmul, [{ dims, data }], each);
}
