import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { ForyouError } from '#infra/errors.ts';
import type { EventProducer } from '#infra/producer/producer.ts';
import type { Warehouse } from '#infra/warehouse/warehouse.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { publishedVideo, type VideoPublished, videoPublished } from '#schemas/events/video-published.ts';

/** A line's events, or why it cannot be read. */
export type Parsed = { readonly events: readonly Engagement[] } | { readonly bad: string };
export type LineParser = (line: string, lineNumber: number, shiftMs: number) => Parsed;

export interface ImportFormat {
  readonly name: string;
  readonly hasHeader: boolean;
  /** Event time of a line in milliseconds, or null; the newest decides how far `shiftToNow` moves the file. */
  timeOf(line: string): number | null;
  readonly parse: LineParser;
}

export interface ImportOptions {
  readonly file: string;
  readonly format: ImportFormat;
  readonly shiftToNow: boolean;
  /** Import the file although the ledger says that it was. */
  readonly again: boolean;
  /** Lines that could not be read are kept here. */
  readonly badLinesFile: string;
  readonly batchLines?: number;
  readonly progress?: (doneBytes: number, totalBytes: number, lines: number) => void;
}
export interface ImportResult {
  readonly lines: number;
  readonly events: number;
  readonly videos: number;
  readonly badLines: number;
  readonly resumedAt: number;
  readonly alreadyDone: boolean;
}

interface Ledger {
  readonly lines: number;
  readonly done: number;
  readonly shift_ms: number;
}

const ledgerTable = `CREATE TABLE IF NOT EXISTS imports
  (file_sha256 String, format LowCardinality(String), lines UInt64, done UInt8, shift_ms Int64, version UInt64)
  ENGINE = ReplacingMergeTree(version) ORDER BY (file_sha256, format)`;

/**
 * Streams a file of interactions into the log. Event ids follow from the lines, so that a batch
 * that was sent twice counts once; a ledger in the warehouse says how far a file came, so that an
 * import that was stopped goes on there and one that ended is not repeated.
 */
export async function importFile(ports: { producer: EventProducer; warehouse: Warehouse }, options: ImportOptions): Promise<ImportResult> {
  const { file, format } = options;
  const { size } = await stat(file).catch((cause) => {
    throw new ForyouError('input-invalid', `cannot read ${file}`, { cause, fix: 'check the path' });
  });
  const sha = await fileHash(file);
  await ports.warehouse.command(ledgerTable);
  const [ledger] = await ports.warehouse.query<Ledger>(
    'SELECT lines, done, shift_ms FROM imports FINAL WHERE file_sha256 = {sha:String} AND format = {format:String}',
    { sha, format: format.name },
  );
  if (ledger?.done && !options.again) return { lines: ledger.lines, events: 0, videos: 0, badLines: 0, resumedAt: ledger.lines, alreadyDone: true };
  const resumedAt = ledger && !ledger.done ? ledger.lines : 0;
  const shiftMs = ledger && !ledger.done ? ledger.shift_ms : options.shiftToNow ? Date.now() - (await newestTime(file, format)) : 0;
  const note = (lines: number, done: boolean) =>
    ports.warehouse.insertRows('imports', [{ file_sha256: sha, format: format.name, lines, done: done ? 1 : 0, shift_ms: shiftMs, version: Date.now() }]);
  const counts = await send(ports.producer, options, { shiftMs, resumedAt, size, note });
  await note(counts.lines, true);
  return { ...counts, resumedAt, alreadyDone: false };
}

async function send(
  producer: EventProducer,
  options: ImportOptions,
  run: { shiftMs: number; resumedAt: number; size: number; note: (lines: number, done: boolean) => Promise<void> },
) {
  const { file, format, batchLines = 2_000 } = options;
  const counts = { lines: 0, events: 0, videos: 0, badLines: 0 };
  const videos = new Set<string>();
  let events: Engagement[] = [];
  let bytes = 0;
  const flush = async () => {
    const published = newVideos(events, videos);
    await producer.send(videoPublished, published);
    await producer.send(engagement, events);
    counts.events += events.length;
    counts.videos += published.length;
    events = [];
    await run.note(counts.lines, false);
    options.progress?.(bytes, run.size, counts.lines);
  };
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    bytes += Buffer.byteLength(line) + 1;
    counts.lines++;
    if ((counts.lines === 1 && format.hasHeader) || line === '') continue;
    const parsed = format.parse(line, counts.lines, run.shiftMs);
    if (counts.lines <= run.resumedAt) {
      if ('events' in parsed) for (const e of parsed.events) videos.add(e.videoId);
      continue;
    }
    if ('bad' in parsed) {
      counts.badLines++;
      await keepAside(options.badLinesFile, counts.lines, parsed.bad, line);
    } else events.push(...parsed.events);
    if (counts.lines % batchLines === 0) await flush();
  }
  await flush();
  return counts;
}

/** Videos that the file names first here: the platform must know them before it can recommend them. */
function newVideos(events: readonly Engagement[], known: Set<string>): VideoPublished[] {
  const published: VideoPublished[] = [];
  for (const e of events) {
    if (known.has(e.videoId)) continue;
    known.add(e.videoId);
    published.push(
      publishedVideo({
        eventId: `import-${e.videoId}`,
        videoId: e.videoId,
        creatorId: e.creatorId,
        occurredAt: e.occurredAt,
        durationMs: e.durationMs,
        topics: e.topic === '' ? [] : [e.topic],
        region: e.region,
      }),
    );
  }
  return published;
}

async function keepAside(file: string, lineNumber: number, reason: string, line: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, `${lineNumber}\t${reason}\t${line}\n`);
}

async function newestTime(file: string, format: ImportFormat): Promise<number> {
  let newest = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY }))
    newest = Math.max(newest, format.timeOf(line) ?? 0);
  return newest;
}

async function fileHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** An id that follows from the content of a line: an exact copy of a line is the same event. */
export const lineId = (line: string, what: string): string => `${createHash('sha1').update(line).digest('hex').slice(0, 24)}-${what}`;
