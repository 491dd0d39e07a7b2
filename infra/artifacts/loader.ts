import type { ArtifactKind, ArtifactManifest } from '#schemas/artifacts/manifest.ts';
import { ForyouError } from '../errors.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ArtifactFiles, ArtifactStore } from './store.ts';

/** How one kind of artifact becomes something that answers. */
export interface ArtifactReader<T> {
  readonly kind: ArtifactKind;
  /** A fresh object, never a living one filled anew. Throws `artifact-refused` for what it cannot use. */
  load(files: ArtifactFiles, manifest: ArtifactManifest): Promise<T>;
  /** Asks it something whose answer is known to be sound. Throws when it is not. */
  canary(value: T, manifest: ArtifactManifest): Promise<void>;
  dispose(value: T): Promise<void>;
}

export interface Loaded<T> {
  readonly version: string;
  readonly manifest: ArtifactManifest;
  readonly value: T;
}

/** The replaced object answers requests that began with it for so long. */
const graceMs = 30_000;

/**
 * Keeps the version that the pointer names: fetch, verify, load, canary, swap. A version that fails
 * any of these is refused with its reason, once, and the last good one goes on.
 */
export class ArtifactLoader<T> {
  readonly #store: ArtifactStore;
  readonly #reader: ArtifactReader<T>;
  readonly #telemetry: Telemetry;
  #current: Loaded<T> | null = null;
  #refused: { readonly version: string; readonly reason: string } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;
  readonly #retired = new Set<NodeJS.Timeout>();

  constructor(store: ArtifactStore, reader: ArtifactReader<T>, telemetry: Telemetry) {
    this.#store = store;
    this.#reader = reader;
    this.#telemetry = telemetry;
  }

  /** What serves now. A request takes it once and keeps it to its end, so that it never mixes versions. */
  get current(): Loaded<T> | null {
    return this.#current;
  }
  get refused(): { readonly version: string; readonly reason: string } | null {
    return this.#refused;
  }

  /** Looks now and then every `everyMs`. */
  async start(everyMs: number): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), everyMs);
  }

  /** What was loaded is gone: the version that the pointer names is loaded again. */
  reload(): Promise<void> {
    this.#current = null;
    return this.look();
  }

  /** Never throws: while the store is away the loaded version goes on. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { kind } = this.#reader;
    const pointer = await this.#store.pointer(kind).catch(() => null);
    if (!pointer || pointer.version === this.#current?.version || pointer.version === this.#refused?.version) return;
    try {
      const next = await this.#load(pointer.version);
      const before = this.#current;
      this.#current = next;
      this.#refused = null;
      this.#telemetry.count('foryou_artifact_swaps_total', { kind });
      if (before) this.#retire(before.value);
    } catch (error) {
      // An outage is tried again at the next look; what is wrong with the version itself stays wrong.
      if (error instanceof ForyouError && error.code === 'unavailable') return;
      this.#refused = { version: pointer.version, reason: String((error as Error).message) };
      this.#telemetry.count('foryou_artifacts_refused_total', { kind });
      console.error(JSON.stringify({ artifact: kind, refused: pointer.version, reason: this.#refused.reason }));
    }
  }

  async #load(version: string): Promise<Loaded<T>> {
    const manifest = await this.#store.manifest(this.#reader.kind, version);
    const value = await this.#reader.load(await this.#store.fetch(manifest), manifest);
    try {
      await this.#reader.canary(value, manifest);
    } catch (error) {
      await this.#reader.dispose(value);
      throw error;
    }
    return { version, manifest, value };
  }

  #retire(value: T): void {
    const timer = setTimeout(() => {
      this.#retired.delete(timer);
      // What it lived in may have ended with it.
      this.#reader.dispose(value).catch(() => {});
    }, graceMs);
    timer.unref();
    this.#retired.add(timer);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    for (const timer of this.#retired) clearTimeout(timer);
    if (this.#current) await this.#reader.dispose(this.#current.value).catch(() => {});
  }
}
