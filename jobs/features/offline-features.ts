import type { Lake } from '#infra/warehouse/lake.ts';
import { agedStateSql, contributionsSql, entityColumn, mergedStateSql, stateStructure } from '#schemas/features/sql.ts';
import type { AnyPackedView } from '#schemas/features/view.ts';
import {
  featureBucket,
  type SnapshotManifest,
  snapshotKey,
  snapshotManifestKey,
  snapshotManifestPrefix,
  snapshotStructure,
  snapshotViews,
  stateKey,
  statePrefix,
} from '#schemas/tables/feature-files.ts';
import { engagements } from '#schemas/tables/history.ts';
import type { Job, JobPorts, JobRun } from '../engine/job.ts';
import { timeColumn } from '../history/parts.ts';

export interface FeaturePorts extends JobPorts {
  readonly lake: Lake;
}

const hourMs = 3_600_000;
/** Hours before the logical one that are made, or made again because of late events, in the same run. */
const lookBack = 26;
/** So many earlier hours are looked at for a state to begin from. */
const bases = 3;

/** Per hour of history, how many events lie before its end. */
interface EventsBefore {
  readonly hours: readonly number[];
  /** Events before `endMs`. */
  at(endMs: number): number;
}

async function eventsBefore({ warehouse }: FeaturePorts, endMs: number): Promise<EventsBefore> {
  const time = timeColumn(engagements);
  const rows = await warehouse.query<{ hour: number; n: number }>(
    `SELECT toUnixTimestamp(toStartOfHour(${time})) AS hour, count() AS n FROM ${engagements.name} WHERE ${time} < fromUnixTimestamp64Milli(${endMs}) GROUP BY hour ORDER BY hour`,
  );
  const hours = rows.map((row) => row.hour * 1_000);
  let total = 0;
  const sums = rows.map((row) => {
    total += row.n;
    return total;
  });
  return { hours, at: (end) => sums[hours.findLastIndex((hour) => hour < end)] ?? 0 };
}

async function manifestOf({ blobs }: FeaturePorts, view: AnyPackedView, hour: Date): Promise<SnapshotManifest | null> {
  const bytes = await blobs.get(featureBucket, snapshotManifestKey(view, hour));
  return bytes && (JSON.parse(bytes.toString()) as SnapshotManifest);
}

/** The newest hour before `hour` whose state still holds every event before its end; null to begin from raw history. */
async function baseOf(ports: FeaturePorts, view: AnyPackedView, hour: Date, history: EventsBefore): Promise<{ hour: Date; key: string } | null> {
  const prefix = snapshotManifestPrefix(view);
  const before = snapshotManifestKey(view, hour);
  const keys = (await ports.blobs.list(featureBucket, prefix)).filter((key) => key < before).sort();
  for (const key of keys.slice(-bases).reverse()) {
    const manifest = JSON.parse((await ports.blobs.get(featureBucket, key))?.toString() ?? '{}') as SnapshotManifest;
    const at = new Date(manifest.hour);
    const state = stateKey(view, at, manifest.parts - 1);
    const holds = manifest.events === history.at(at.getTime() + hourMs);
    // An hour of long ago has no state any more.
    if (holds && (await ports.blobs.list(featureBucket, state)).length > 0) return { hour: at, key: state };
  }
  return null;
}

/**
 * One view's values as of the end of an hour, for every entity that an event of the hour changed: the
 * state of an earlier hour, aged, merged with the events since. Nothing is done when the hour was made
 * from the same events before. Returns the rows written.
 */
async function snapshot(ports: FeaturePorts, run: JobRun, view: AnyPackedView, hour: Date, history: EventsBefore): Promise<number> {
  const [startMs, endMs] = [hour.getTime(), hour.getTime() + hourMs];
  const made = await manifestOf(ports, view, hour);
  const events = history.at(endMs);
  if (made?.events === events || events === 0) return 0;
  if (run.dryRun) return events;
  const base = await baseOf(ports, view, hour, history);
  const time = timeColumn(engagements);
  const part = made?.parts ?? 0;
  const baseEndMs = base ? base.hour.getTime() + hourMs : 0;
  const since = `${time} >= fromUnixTimestamp64Milli(${baseEndMs}) AND ${time} < fromUnixTimestamp64Milli(${endMs})`;
  const states = [contributionsSql(view, engagements.name, time, endMs, since, `${time} >= fromUnixTimestamp64Milli(${startMs})`)];
  if (base) states.push(agedStateSql(view, ports.lake.location(featureBucket, base.key, stateStructure(view)), baseEndMs, endMs));
  const state = ports.lake.location(featureBucket, stateKey(view, hour, part), stateStructure(view));
  await ports.warehouse.command(`INSERT INTO FUNCTION ${state} ${mergedStateSql(view, states)} SETTINGS s3_truncate_on_insert = 1`);
  const file = ports.lake.location(featureBucket, snapshotKey(view, hour, part), snapshotStructure(view));
  await ports.warehouse.command(
    `INSERT INTO FUNCTION ${file} SELECT entity AS ${entityColumn(view)}, fromUnixTimestamp64Milli(${endMs}, 'UTC') AS event_timestamp,
     now64(3, 'UTC') AS created_timestamp, ${Object.keys(view.columns).join(', ')} FROM ${state} WHERE changed ORDER BY entity SETTINGS s3_truncate_on_insert = 1`,
  );
  const [written] = await ports.warehouse.query<{ n: number }>(`SELECT count() AS n FROM ${file}`);
  const manifest: SnapshotManifest = { hour: hour.toISOString(), events, parts: part + 1, rows: written?.n ?? 0 };
  run.check();
  await ports.blobs.put(featureBucket, snapshotManifestKey(view, hour), Buffer.from(JSON.stringify(manifest)));
  return manifest.rows;
}

/** States that no later run begins from are removed: those of hours before the ones that may be made again, but for the last few. */
async function removeOldStates({ blobs }: FeaturePorts, view: AnyPackedView, hour: Date): Promise<number> {
  const manifests = (await blobs.list(featureBucket, snapshotManifestPrefix(view))).sort();
  const oldest = snapshotManifestKey(view, new Date(hour.getTime() - lookBack * hourMs));
  const before = manifests.filter((key) => key < oldest);
  const needed = new Set<string>();
  for (const key of [...before.slice(-bases), ...manifests.filter((k) => k >= oldest)]) {
    const manifest = JSON.parse((await blobs.get(featureBucket, key))?.toString() ?? '{}') as SnapshotManifest;
    needed.add(stateKey(view, new Date(manifest.hour), manifest.parts - 1));
  }
  const old = (await blobs.list(featureBucket, statePrefix(view))).filter((key) => !needed.has(key));
  for (const key of old) await blobs.remove(featureBucket, key);
  return old.length;
}

export const offlineFeatures: Job<FeaturePorts> = {
  name: 'offline-features',
  doc: 'Writes what every feature was at the end of the hour, for training; late events correct the last hours.',
  schedule: '5 * * * *',
  inputs: [engagements.name],
  outputs: snapshotViews.map((v) => `s3:${featureBucket}/${v.name}`),
  async run(ports, run) {
    const history = await eventsBefore(ports, run.hour.getTime() + hourMs);
    const hours = history.hours.filter((hour) => hour >= run.hour.getTime() - lookBack * hourMs);
    let rows = 0;
    for (const [i, hour] of hours.entries()) {
      for (const view of snapshotViews) rows += await snapshot(ports, run, view, new Date(hour), history);
      run.progress('feature snapshots', i + 1, hours.length);
    }
    let removed = 0;
    run.check();
    if (!run.dryRun) for (const view of snapshotViews) removed += await removeOldStates(ports, view, run.hour);
    return { rows, hours: hours.length, removed };
  },
};
