import { createHash } from 'node:crypto';
import {
  type ArtifactKind,
  type ArtifactManifest,
  type ArtifactPointer,
  artifactBucket,
  type GateRules,
  gate,
  madeAtMs,
  manifestFile,
  manifestFormat,
  pointerFile,
  versionFolder,
} from '#schemas/artifacts/manifest.ts';
import type { Blobs } from '../blobs/blobs.ts';
import { ForyouError } from '../errors.ts';

export type ArtifactFiles = Readonly<Record<string, Buffer>>;
export type NewArtifact = Omit<ArtifactManifest, 'format' | 'files' | 'createdAt'>;

export interface ArtifactRow {
  readonly manifest: ArtifactManifest;
  readonly running: boolean;
}

/** Versions of what jobs make, and which of them serves. */
export class ArtifactStore {
  readonly #blobs: Blobs;
  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  /** Stores a version: files first, its manifest last and only once. What has no manifest does not exist. */
  async publish(artifact: NewArtifact, files: ArtifactFiles): Promise<ArtifactManifest> {
    const folder = versionFolder(artifact.kind, artifact.version);
    const manifest: ArtifactManifest = {
      format: manifestFormat,
      ...artifact,
      createdAt: new Date().toISOString(),
      files: Object.entries(files).map(([name, bytes]) => ({ name, bytes: bytes.length, sha256: sha256(bytes) })),
    };
    for (const [name, bytes] of Object.entries(files)) await this.#blobs.put(artifactBucket, folder + name, bytes);
    if (!(await this.#blobs.putNew(artifactBucket, `${folder}manifest.json`, Buffer.from(JSON.stringify(manifest, null, 1)))))
      throw new ForyouError('fenced', `${artifact.kind} ${artifact.version} is published already`, { fix: 'a version is never changed; publish another' });
    return manifest;
  }

  async manifest(kind: ArtifactKind, version: string): Promise<ArtifactManifest> {
    const bytes = await this.#blobs.get(artifactBucket, manifestFile(kind, version));
    if (!bytes) throw new ForyouError('input-invalid', `there is no ${kind} ${version}`, { fix: `see foryou artifacts list --kind ${kind}` });
    let manifest: ArtifactManifest;
    try {
      manifest = JSON.parse(bytes.toString()) as ArtifactManifest;
    } catch (cause) {
      throw new ForyouError('artifact-refused', `the manifest of ${kind} ${version} is not JSON`, { cause });
    }
    if (manifest.format !== manifestFormat)
      throw new ForyouError('artifact-refused', `${kind} ${version} has manifest format ${manifest.format}, this release reads ${manifestFormat}`, {
        fix: 'run the job that makes it again',
      });
    return manifest;
  }

  /** The files of a version, each as its manifest says, or an error that says which is not. */
  async fetch(manifest: ArtifactManifest): Promise<ArtifactFiles> {
    const entries = await Promise.all(
      manifest.files.map(async ({ name, bytes, sha256: wanted }) => {
        const body = await this.#blobs.get(artifactBucket, versionFolder(manifest.kind, manifest.version) + name);
        const what = `${manifest.kind} ${manifest.version}: ${name}`;
        if (!body) throw new ForyouError('artifact-refused', `${what} is not there`);
        if (body.length !== bytes) throw new ForyouError('artifact-refused', `${what} has ${body.length} bytes, its manifest says ${bytes}`);
        if ((await sha256OfLarge(body)) !== wanted) throw new ForyouError('artifact-refused', `${what} has another SHA-256 than its manifest says`);
        return [name, body] as const;
      }),
    );
    return Object.fromEntries(entries);
  }

  async pointer(kind: ArtifactKind): Promise<ArtifactPointer | null> {
    return (await this.#tagged(kind))?.pointer ?? null;
  }
  async #tagged(kind: ArtifactKind): Promise<{ pointer: ArtifactPointer; tag: string } | null> {
    const found = await this.#blobs.getTagged(artifactBucket, pointerFile(kind));
    return found && { pointer: JSON.parse(found.body.toString()) as ArtifactPointer, tag: found.tag };
  }

  /** Manifest of the version that serves, null while there is none. */
  async running(kind: ArtifactKind): Promise<ArtifactManifest | null> {
    const pointer = await this.pointer(kind);
    return pointer && this.manifest(kind, pointer.version);
  }

  /**
   * Moves the pointer by a conditional write: whoever read an older pointer does not win.
   * Throws `fenced` when a later run has promoted meanwhile.
   */
  async promote(kind: ArtifactKind, version: string, fence: number): Promise<void> {
    await this.manifest(kind, version);
    for (let attempt = 0; attempt < 5; attempt++) {
      const found = await this.#tagged(kind);
      if (found && found.pointer.fence > fence)
        throw new ForyouError('fenced', `a later run has promoted ${kind} ${found.pointer.version}`, { fix: 'nothing to do: the later one serves' });
      if (found?.pointer.version === version) return;
      const pointer: ArtifactPointer = { version, fence, promotedAt: new Date().toISOString(), previous: found?.pointer.version ?? null };
      const body = Buffer.from(JSON.stringify(pointer));
      if (await this.#blobs.putIf(artifactBucket, pointerFile(kind), body, found?.tag ?? null)) return;
    }
    throw new ForyouError('unavailable', `the pointer of ${kind} changes too often`, { fix: 'try again' });
  }

  /** Publishes, and promotes what passes the gate. Returns why not, empty when it serves now. */
  async release(
    artifact: NewArtifact,
    files: ArtifactFiles,
    fence: number,
    rules: GateRules,
  ): Promise<{ readonly manifest: ArtifactManifest; readonly refused: readonly string[] }> {
    const manifest = await this.publish(artifact, files);
    const refused = gate(manifest, await this.running(artifact.kind), rules);
    if (refused.length === 0) await this.promote(artifact.kind, artifact.version, fence);
    return { manifest, refused };
  }

  /** Back to the version that ran before. */
  async rollback(kind: ArtifactKind): Promise<string> {
    const pointer = await this.pointer(kind);
    if (!pointer?.previous)
      throw new ForyouError('input-invalid', `no ${kind} ran before the present one`, { fix: `choose one: foryou artifacts list --kind ${kind}` });
    await this.promote(kind, pointer.previous, pointer.fence);
    return pointer.previous;
  }

  /** Every version that left something in the store, whole or not, the oldest first. */
  async versions(kind: ArtifactKind): Promise<{ readonly version: string; readonly madeAtMs: number }[]> {
    const keys = await this.#blobs.list(artifactBucket, `${kind}/`);
    const names = new Set(keys.map((key) => key.split('/')).flatMap(([, version, file]) => (file === undefined ? [] : [version as string])));
    return [...names].sort().map((version) => ({ version, madeAtMs: madeAtMs(version) }));
  }

  /** The manifest goes first: what has none does not exist. Throws for a version that serves. */
  async remove(kind: ArtifactKind, version: string): Promise<void> {
    if ((await this.pointer(kind))?.version === version)
      throw new ForyouError('input-invalid', `${kind} ${version} serves`, { fix: `promote another one first: foryou artifacts list --kind ${kind}` });
    const manifest = manifestFile(kind, version);
    await this.#blobs.remove(artifactBucket, manifest);
    for (const key of await this.#blobs.list(artifactBucket, versionFolder(kind, version))) await this.#blobs.remove(artifactBucket, key);
  }

  async list(kind: ArtifactKind): Promise<ArtifactRow[]> {
    const [keys, pointer] = await Promise.all([this.#blobs.list(artifactBucket, `${kind}/`), this.pointer(kind)]);
    const versions = keys.filter((key) => key.endsWith('/manifest.json')).map((key) => key.split('/')[1] as string);
    return Promise.all(versions.map(async (version) => ({ manifest: await this.manifest(kind, version), running: version === pointer?.version })));
  }
}

/** Computed beside this thread: half a gigabyte would hold every request for a second. */
const sha256OfLarge = async (bytes: Buffer): Promise<string> =>
  Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
