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
  #writing: Promise<void> = Promise.resolve();

  constructor(blobs: Blobs, videoId: string) {
    this.#blobs = blobs;
    this.#key = `${mediaKeys.videoResults(videoId)}attempts.json`;
  }

  async begin(step: string): Promise<void> {
    const begun = await this.#read();
    if ((begun[step] ?? 0) >= beginningsMax) throw new Refusal('processingFailed', `${step} was begun ${beginningsMax} times and never ended`);
    begun[step] = (begun[step] ?? 0) + 1;
    await this.#write();
  }
  /** It ended, or we ended it ourselves: that is not the file's fault. */
  async forgive(step: string): Promise<void> {
    const begun = await this.#read();
    delete begun[step];
    await this.#write();
  }

  async #read(): Promise<Record<string, number>> {
    if (!this.#begun) {
      const kept = await this.#blobs.get(quarantine, this.#key);
      this.#begun ??= kept ? (JSON.parse(kept.toString()) as Record<string, number>) : {};
    }
    return this.#begun;
  }
  #write(): Promise<void> {
    const body = Buffer.from(JSON.stringify(this.#begun));
    this.#writing = this.#writing.catch(() => {}).then(() => this.#blobs.put(quarantine, this.#key, body));
    return this.#writing;
  }
}
