import type { Blobs } from '#infra/blobs/blobs.ts';
import { Refusal } from '#infra/media/media.ts';
import { mediaKeys, quarantine } from '#schemas/media/store.ts';

/** A step that began so often and never ended is given up: the file ends whoever touches it. */
const beginningsMax = 4;

/**
 * How often each step of an upload began without an end. It is written down before the step begins, so that a file
 * that kills its worker is counted too.
 */
export class Attempts {
  readonly #blobs: Blobs;
  readonly #key: string;
  #begun: Record<string, number> | null = null;
  readonly #forgiven = new Set<string>();
  #changing: Promise<void> = Promise.resolve();

  constructor(blobs: Blobs, videoId: string) {
    this.#blobs = blobs;
    this.#key = `${mediaKeys.videoResults(videoId)}attempts.json`;
  }

  /** Resolves once it is written down: a beginning that the store did not take is none. */
  async begin(step: string): Promise<void> {
    await this.#change((begun) => {
      const before = begun[step] ?? 0;
      if (before >= beginningsMax) throw new Refusal('processingFailed', `${step} was begun ${beginningsMax} times and never ended`);
      return { ...begun, [step]: before + 1 };
    });
  }
  /** It came further for good: what happens from here on is counted anew. */
  async cameFurther(step: string): Promise<void> {
    await this.#change((begun) => ({ ...begun, [step]: 1 }));
  }
  /** It ended, or we ended it ourselves, or waited for what did not answer: that is not the file's fault. */
  async forgive(step: string): Promise<void> {
    this.#forgiven.add(step);
    await this.#change((begun) => begun);
  }

  /** One change after another; what was forgiven holds even where the store did not take it yet. */
  #change(change: (begun: Record<string, number>) => Record<string, number>): Promise<void> {
    const changed = this.#changing
      .catch(() => {})
      .then(async () => {
        const kept = this.#begun ?? (await this.#read());
        const rest = Object.fromEntries(Object.entries(kept).filter(([step]) => !this.#forgiven.has(step)));
        this.#forgiven.clear();
        this.#begun = rest;
        const next = change(rest);
        await this.#blobs.put(quarantine, this.#key, Buffer.from(JSON.stringify(next)));
        this.#begun = next;
      });
    this.#changing = changed;
    return changed;
  }
  async #read(): Promise<Record<string, number>> {
    const kept = await this.#blobs.get(quarantine, this.#key);
    return kept ? (JSON.parse(kept.toString()) as Record<string, number>) : {};
  }
}
