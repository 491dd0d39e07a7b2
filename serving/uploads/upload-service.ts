import type { Blobs } from '#infra/blobs/blobs.ts';
import type { StoredPart, Uploads } from '#infra/blobs/uploads.ts';
import type { Clock } from '#infra/clock/clock.ts';
import type { EventProducer } from '#infra/producer/producer.ts';
import { mediaLimits, uploadLimits } from '#schemas/config/media.ts';
import { type VideoUploaded, videoUploaded } from '#schemas/events/video-uploaded.ts';
import { mediaKeys, quarantine } from '#schemas/media/store.ts';
import { HttpProblem } from '../http/problem.ts';

/** What a creator says of a video before it is sent. */
export type Announced = Pick<VideoUploaded, 'sizeBytes' | 'sha256' | 'caption' | 'topics' | 'region' | 'soundId' | 'derivation' | 'derivedFrom' | 'minAge'> & {
  readonly type: string;
};

interface Begun extends Announced {
  readonly uploadId: string;
  readonly videoId: string;
  readonly creatorId: string;
  readonly multipartId: string;
  readonly beganAtMs: number;
}

export interface PartToSend {
  readonly part: number;
  readonly bytes: number;
  readonly url: string;
}

/** An upload as its creator sees it: what is there, and where to send the rest. */
export interface UploadView {
  readonly uploadId: string;
  readonly videoId: string;
  readonly partBytes: number;
  readonly stored: readonly number[];
  readonly missing: readonly PartToSend[];
}

export interface UploadServices {
  readonly uploads: Uploads;
  readonly blobs: Blobs;
  readonly producer: EventProducer;
  readonly clock: Clock;
}

const dayMs = 86_400_000;

/**
 * Files of creators on their way into the store. The store itself is asked what has arrived: nothing that a client
 * says about it is believed, and this process keeps nothing, so that any other goes on with it.
 */
export class UploadService {
  readonly #services: UploadServices;
  constructor(services: UploadServices) {
    this.#services = services;
  }

  async begin(creatorId: string, announced: Announced): Promise<UploadView> {
    const { uploads, blobs, clock } = this.#services;
    if (announced.sizeBytes > mediaLimits.bytesMax) throw new HttpProblem(413, `at most ${mediaLimits.bytesMax} bytes are taken`);
    await this.#withinQuota(creatorId);
    if (announced.sha256 !== '') await this.#notThereYet(creatorId, announced.sha256);
    const [uploadId, videoId] = [crypto.randomUUID(), crypto.randomUUID()];
    const multipartId = await uploads.begin(quarantine, mediaKeys.original(videoId), announced.type);
    const begun: Begun = { ...announced, uploadId, videoId, creatorId, multipartId, beganAtMs: clock.now() };
    await blobs.putNew(quarantine, mediaKeys.upload(creatorId, uploadId), Buffer.from(JSON.stringify(begun)));
    return this.#view(begun, []);
  }

  /** What is there, with new URLs for the rest: for a client that goes on after an interruption. */
  async resume(creatorId: string, uploadId: string): Promise<UploadView> {
    const begun = await this.#begun(creatorId, uploadId);
    const parts = await this.#services.uploads.parts(quarantine, mediaKeys.original(begun.videoId), begun.multipartId);
    if (!parts) throw new HttpProblem(409, 'this upload is complete, or was given up');
    return this.#view(begun, parts);
  }

  async abort(creatorId: string, uploadId: string): Promise<void> {
    const { uploads, blobs } = this.#services;
    const begun = await this.#begun(creatorId, uploadId);
    await uploads.abort(quarantine, mediaKeys.original(begun.videoId), begun.multipartId);
    await blobs.remove(quarantine, mediaKeys.upload(creatorId, uploadId));
  }

  /**
   * Resolves once the log has acknowledged that the file is there. May be called again after any failure: the same
   * event is said again with the same id.
   */
  async complete(creatorId: string, uploadId: string): Promise<{ videoId: string }> {
    const { uploads, blobs, producer, clock } = this.#services;
    const begun = await this.#begun(creatorId, uploadId);
    const key = mediaKeys.original(begun.videoId);
    const parts = await uploads.parts(quarantine, key, begun.multipartId);
    if (parts) {
      const wrong = expectedParts(begun).filter(({ part, bytes }) => parts.find((p) => p.part === part)?.bytes !== bytes);
      if (wrong.length > 0)
        throw new HttpProblem(409, `parts are missing: ${wrong.map((p) => p.part).join(', ')}; ask for their URLs with GET /api/v1/upload/${uploadId}`);
      const made = await uploads.complete(quarantine, key, begun.multipartId, parts);
      if (!made) throw new HttpProblem(409, 'the parts changed while they were put together; try again');
    }
    // Complete now, or by an earlier call whose answer was lost.
    const bytes = await uploads.size(quarantine, key);
    if (bytes === null) throw new HttpProblem(409, 'this upload was given up; begin a new one');
    if (bytes !== begun.sizeBytes) throw new HttpProblem(409, `the store has ${bytes} bytes of ${begun.sizeBytes}`);
    const { sha256, caption, topics, region, soundId, derivation, derivedFrom, minAge, videoId } = begun;
    const said = { sha256, caption, topics, region, soundId, derivation, derivedFrom, minAge };
    await producer.send(videoUploaded, [
      { eventId: `${videoId}/uploaded`, videoId, creatorId, occurredAt: clock.now(), objectKey: key, sizeBytes: bytes, ...said },
    ]);
    await blobs.put(quarantine, mediaKeys.completed(creatorId, uploadId, begun.beganAtMs), Buffer.from(videoId));
    return { videoId };
  }

  async #begun(creatorId: string, uploadId: string): Promise<Begun> {
    const body = await this.#services.blobs.get(quarantine, mediaKeys.upload(creatorId, uploadId));
    if (!body) throw new HttpProblem(404, 'there is no such upload of yours');
    return JSON.parse(body.toString()) as Begun;
  }

  async #withinQuota(creatorId: string): Promise<void> {
    const { blobs, clock } = this.#services;
    const [begun, completed] = await Promise.all([
      blobs.list(quarantine, mediaKeys.uploadsOf(creatorId)),
      blobs.list(quarantine, mediaKeys.completedOf(creatorId)),
    ]);
    const today = completed.filter((key) => Number(/(\d+)-[^/]*$/.exec(key)?.[1]) > clock.now() - dayMs);
    if (today.length >= uploadLimits.perDayMax) throw new HttpProblem(429, `more than ${uploadLimits.perDayMax} uploads in a day`);
    const done = new Set(completed.map((key) => /\d+-([^/]*)$/.exec(key)?.[1]));
    const open = begun.filter((key) => !done.has(/([^/]*)\.json$/.exec(key)?.[1]));
    if (open.length >= uploadLimits.openMax)
      throw new HttpProblem(
        429,
        `${open.length} uploads are not complete; complete or abort one of them: ${open.map((key) => /([^/]*)\.json$/.exec(key)?.[1]).join(', ')}`,
      );
  }

  /** The same bytes of the same creator are one video. */
  async #notThereYet(creatorId: string, sha256: string): Promise<void> {
    const { blobs } = this.#services;
    for (const key of await blobs.list(quarantine, mediaKeys.usersOf(sha256))) {
      const videoId = key.split('/').at(-1) as string;
      const outcome = await blobs.get(quarantine, mediaKeys.outcome(videoId));
      const { kind, event } = outcome ? (JSON.parse(outcome.toString()) as { kind: string; event: { creatorId: string } }) : { kind: '', event: null };
      if (kind === 'published' && event?.creatorId === creatorId) throw new HttpProblem(409, `you have published this file already: ${videoId}`);
    }
  }

  async #view(begun: Begun, stored: readonly StoredPart[]): Promise<UploadView> {
    const expected = expectedParts(begun);
    const whole = new Set(stored.filter((s) => expected[s.part - 1]?.bytes === s.bytes).map((s) => s.part));
    const key = mediaKeys.original(begun.videoId);
    const missing = await Promise.all(
      expected
        .filter(({ part }) => !whole.has(part))
        .map(async ({ part, bytes }) => ({
          part,
          bytes,
          url: await this.#services.uploads.partUrl(quarantine, key, begun.multipartId, part, bytes, uploadLimits.urlSeconds),
        })),
    );
    return { uploadId: begun.uploadId, videoId: begun.videoId, partBytes: uploadLimits.partBytes, stored: [...whole], missing };
  }
}

/** Every part and its fixed length. */
export function expectedParts({ sizeBytes }: { readonly sizeBytes: number }): { part: number; bytes: number }[] {
  const { partBytes } = uploadLimits;
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, i) => ({ part: i + 1, bytes: Math.min(partBytes, sizeBytes - i * partBytes) }));
}
