import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { copyRules } from '#schemas/config/media.ts';

/** One frame: hashes of the whole and of its middle, as 16 hex digits. */
export interface FrameHashes {
  readonly atMs: number;
  readonly hashes: readonly string[];
}
export interface Copy {
  readonly copyOf: string;
  readonly ofCreator: string;
  readonly share: number;
}

const number = (hex: string) => `reinterpretAsUInt64(reverse(unhex(${hex})))`;

/** Pictures of earlier uploads in the warehouse. The search reads every hash: one machine's worth of videos. */
export class KnownPictures {
  readonly #warehouse: Warehouse;
  constructor(warehouse: Warehouse) {
    this.#warehouse = warehouse;
  }

  async add(videoId: string, creatorId: string, frames: readonly FrameHashes[]): Promise<void> {
    const rows = frames.flatMap(({ atMs, hashes }) => hashes.map((hash, cut) => ({ atMs, cut, hash })));
    if (rows.length === 0) return;
    const [at, cut, hash] = [rows.map((r) => r.atMs), rows.map((r) => r.cut), rows.map((r) => r.hash)];
    await this.#warehouse.query(
      `INSERT INTO picture_hashes (video_id, creator_id, at_ms, cut, hash)
       SELECT {videoId:String}, {creatorId:String}, r.1, r.2, ${number('r.3')}
       FROM (SELECT arrayJoin(arrayZip({at:Array(UInt32)}, {cut:Array(UInt8)}, {hash:Array(String)})) AS r)`,
      { videoId, creatorId, at, cut, hash },
    );
  }

  /** The video that has most of these frames, when it has enough of them. */
  async find(videoId: string, frames: readonly FrameHashes[]): Promise<Copy | null> {
    if (frames.length === 0) return null;
    const [found] = await this.#warehouse.query<{ video_id: string; creator_id: string; hits: number }>(
      `SELECT p.video_id AS video_id, any(p.creator_id) AS creator_id, uniqExact(q.f.1) AS hits
       FROM picture_hashes AS p CROSS JOIN (SELECT arrayJoin(arrayZip(arrayEnumerate({hash:Array(String)}), {hash:Array(String)})) AS f) AS q
       WHERE p.video_id != {videoId:String} AND bitHammingDistance(p.hash, ${number('q.f.2')}) <= ${copyRules.bitsMax}
       GROUP BY video_id ORDER BY hits DESC LIMIT 1`,
      { videoId, hash: frames.map((f) => f.hashes[0] as string) },
    );
    const share = (found?.hits ?? 0) / frames.length;
    return found && share >= copyRules.shareMin ? { copyOf: found.video_id, ofCreator: found.creator_id, share } : null;
  }
}
