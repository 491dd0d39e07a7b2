import { outcomes } from '#schemas/artifacts/ranker.ts';
import { baseFeatures } from '#schemas/features/ranking.ts';
import { type FeatureReport, featureColumn, type ImpressionsManifest, outcomeColumn, setKey, type TrainingSet } from '#schemas/tables/training-files.ts';
import { impressionsOf, lastSet, type TrainingPorts } from './sets.ts';

/** The last fifth by time validates. */
const trainShare = 0.8;
const quantiles = Array.from({ length: 9 }, (_, i) => (i + 1) / 10);

/** What a set holds: sizes, label rates on both sides of the cut, and each feature's coverage and drift. */
export async function reportOf(ports: TrainingPorts, hour: Date, manifests: readonly ImpressionsManifest[]): Promise<TrainingSet> {
  const parts = manifests.flatMap((m) => m.parts);
  const source = impressionsOf(ports, parts);
  const [cut] = await ports.warehouse.query<{ ms: number }>(
    `SELECT toInt64(quantileExact(${trainShare})(toUnixTimestamp64Milli(served_at))) AS ms FROM ${source}`,
  );
  const cutMs = cut?.ms ?? 0;
  const isTrain = `toUnixTimestamp64Milli(served_at) < ${cutMs}`;
  const rates = outcomes.flatMap((o) => [`avgIf(${outcomeColumn(o)}, ${isTrain}) AS t_${o}`, `avgIf(${outcomeColumn(o)}, NOT ${isTrain}) AS v_${o}`]);
  const [row] = await ports.warehouse.query<Record<string, number>>(
    `SELECT countIf(${isTrain}) AS train, countIf(NOT ${isTrain}) AS validation, countIf(exposure = 'passed') AS passed, ${rates.join(', ')} FROM ${source}`,
  );
  const arms = await ports.warehouse.query<{ arm: string; n: number }>(`SELECT arm, count() AS n FROM ${source} GROUP BY arm ORDER BY arm`);
  const number = (name: string): number => row?.[name] ?? 0;
  return {
    hour: hour.toISOString(),
    horizonMs: ports.horizonMs,
    parts,
    cutMs,
    rows: { train: number('train'), validation: number('validation'), passed: number('passed'), notReached: manifests.reduce((n, m) => n + m.notReached, 0) },
    arms: Object.fromEntries(arms.map(({ arm, n }) => [arm || 'none', n])),
    labelRates: Object.fromEntries(outcomes.map((o) => [o, { train: number(`t_${o}`), validation: number(`v_${o}`) }])),
    features: await featureReports(ports, source, (await lastSet(ports, (key) => key < setKey(hour)))?.features ?? {}),
  };
}

async function featureReports(ports: TrainingPorts, source: string, before: Readonly<Record<string, FeatureReport>>): Promise<Record<string, FeatureReport>> {
  const columns = baseFeatures.map(
    (f) => `(avg(${featureColumn(f)}), countIf(${featureColumn(f)} != 0) / count(), quantilesExact(${quantiles.join(', ')})(${featureColumn(f)}))`,
  );
  const [row] = await ports.warehouse.query<{ all: [number, number, number[]][] }>(`SELECT [${columns.join(', ')}] AS all FROM ${source}`);
  const edges = baseFeatures.map((_f, i) => [...new Set(row?.all[i]?.[2] ?? [])]);
  const now = await sharesOf(ports, source, edges);
  const old = baseFeatures.map((f) => before[f]);
  const moved = await sharesOf(
    ports,
    source,
    old.map((f) => f?.edges ?? []),
  );
  return Object.fromEntries(
    baseFeatures.map((f, i) => [
      f,
      {
        mean: row?.all[i]?.[0] ?? 0,
        coverage: row?.all[i]?.[1] ?? 0,
        edges: edges[i] as number[],
        shares: now[i] as number[],
        drift: old[i] ? stabilityIndex((old[i] as FeatureReport).shares, moved[i] as number[]) : null,
      },
    ]),
  );
}

/** Share of rows up to each edge of each feature, and above the last one. */
async function sharesOf({ warehouse }: TrainingPorts, source: string, edges: readonly (readonly number[])[]): Promise<number[][]> {
  const counts = baseFeatures.map((f, i) => {
    const column = featureColumn(f);
    const list = edges[i] as readonly number[];
    const bins = list.map((edge, b) => `countIf(${column} <= ${edge}${b > 0 ? ` AND ${column} > ${list[b - 1]}` : ''})`);
    return `[${[...bins, list.length > 0 ? `countIf(${column} > ${list.at(-1)})` : 'count()'].join(', ')}]`;
  });
  const [row] = await warehouse.query<{ all: number[][]; n: number }>(`SELECT [${counts.join(', ')}] AS all, count() AS n FROM ${source}`);
  return baseFeatures.map((_f, i) => (row?.all[i] ?? []).map((count) => count / Math.max(1, row?.n ?? 1)));
}

/** Population stability index: sum of (b - a) ln(b / a) over bins, with a floor under empty ones. */
export function stabilityIndex(before: readonly number[], now: readonly number[]): number {
  const floor = 1e-4;
  return before.reduce((sum, share, i) => {
    const [a, b] = [Math.max(floor, share), Math.max(floor, now[i] ?? 0)];
    return sum + (b - a) * Math.log(b / a);
  }, 0);
}
