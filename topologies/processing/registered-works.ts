import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { type RightsDecision, rightsRules } from '#schemas/config/rights.ts';
import { likeStretch, type Stretch, secondsOfWord, secondsPerWord, wordsIn } from '#schemas/media/fingerprint.ts';

export interface Work {
  readonly workId: string;
  readonly title: string;
  readonly owner: string;
  readonly decision: RightsDecision;
  /** Where the decision holds; everywhere when empty. */
  readonly regions: readonly string[];
}
export interface SoundMatch extends Work {
  readonly fromMs: number;
  readonly workFromMs: number;
  readonly lengthMs: number;
  readonly bitError: number;
  readonly speed: number;
}

const window = wordsIn(rightsRules.secondsMin);
/** Words in common at one shift, below which nobody looks closer. */
const hitsMin = 2;
const candidatesMax = 50;

/** Registered works in the warehouse, found by the words that their fingerprints share with a sound's. */
export class RegisteredWorks {
  readonly #warehouse: Warehouse;
  constructor(warehouse: Warehouse) {
    this.#warehouse = warehouse;
  }

  async register(work: Work, words: Uint32Array): Promise<void> {
    const { workId, title, owner, decision, regions } = work;
    const insert = `SELECT {workId:String}, {title:String}, {owner:String}, {decision:String}, {regions:Array(String)}, {words:Array(UInt32)}, now64(3)`;
    const given = { workId, title, owner, decision, regions, words: [...words] };
    await this.#warehouse.query(`INSERT INTO registered_works (work_id, title, owner, decision, regions, words, registered_at) ${insert}`, given);
    await this.#warehouse.query(
      'INSERT INTO work_words (word, work_id, position) SELECT w.2, {workId:String}, w.1 - 1 FROM (SELECT arrayJoin(arrayZip(arrayEnumerate({words:Array(UInt32)}), {words:Array(UInt32)})) AS w)',
      { workId, words: [...words] },
    );
  }

  /** The work that the sound is like for longest, at any of the speeds that were tried; null when there is none. */
  async match(fingerprints: readonly { readonly speed: number; readonly words: Uint32Array }[]): Promise<SoundMatch | null> {
    let best = null as { match: SoundMatch; length: number } | null;
    for (const { speed, words } of fingerprints) {
      if (words.length < window) continue;
      for (const { work, shift, workWords } of await this.#candidates(words)) {
        const stretch = likeStretch(words, workWords, shift, { window, ...rightsRules });
        if (stretch && stretch.length > (best?.length ?? 0)) best = { match: found(work, stretch, shift, speed), length: stretch.length };
      }
    }
    return best?.match ?? null;
  }

  async #candidates(words: Uint32Array): Promise<{ work: Work; shift: number; workWords: Uint32Array }[]> {
    const hits = await this.#warehouse.query<{ work_id: string; shift: number }>(
      `SELECT f.work_id AS work_id, toInt32(f.position) - toInt32(q.w.1) + 1 AS shift, count() AS hits
       FROM work_words AS f INNER JOIN (SELECT arrayJoin(arrayZip(arrayEnumerate({words:Array(UInt32)}), {words:Array(UInt32)})) AS w) AS q ON f.word = q.w.2
       GROUP BY work_id, shift HAVING hits >= ${hitsMin} ORDER BY hits DESC LIMIT ${candidatesMax}`,
      { words: [...words] },
    );
    if (hits.length === 0) return [];
    const rows = await this.#warehouse.query<Omit<Work, 'workId'> & { work_id: string; words: number[] }>(
      'SELECT work_id, title, owner, decision, regions, words FROM registered_works FINAL WHERE work_id IN {ids:Array(String)}',
      { ids: [...new Set(hits.map((h) => h.work_id))] },
    );
    const works = new Map(rows.map((r) => [r.work_id, r]));
    return hits.flatMap(({ work_id, shift }) => {
      const row = works.get(work_id);
      if (!row) return [];
      const { title, owner, decision, regions } = row;
      return [{ work: { workId: work_id, title, owner, decision, regions }, shift, workWords: Uint32Array.from(row.words) }];
    });
  }
}

/** Words of a query that was slowed down stand for less time of the video. */
const found = (work: Work, stretch: Stretch, shift: number, speed: number): SoundMatch => {
  const ms = (count: number, by: number, more = 0) => Math.round((1_000 * (count * secondsPerWord + more)) / by);
  const { from, length, bitError } = stretch;
  return { ...work, fromMs: ms(from, speed), workFromMs: ms(from + shift, 1), lengthMs: ms(length, speed, secondsOfWord), bitError, speed };
};
