/** One line of the table, and one object of the JSON in BENCH_OUT. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly opponent: string | null;
  readonly opponentValue: number | null;
  readonly ratio: number | null;
  readonly target: number | null;
  readonly runs: readonly number[];
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
};

/** A figure on its own: the median of its runs. */
export const figure = (name: string, unit: string, target: number | null, runs: readonly number[]): BenchRow => ({
  name,
  value: median(runs),
  unit,
  opponent: null,
  opponentValue: null,
  ratio: null,
  target,
  runs,
});

/** A figure beside an opponent that was measured in the same run; the ratio is what has a target. */
export function versus(name: string, unit: string, target: number, runs: readonly number[], opponent: string, opponentRuns: readonly number[]): BenchRow {
  const [value, opponentValue] = [median(runs), median(opponentRuns)];
  return { name, value, unit, opponent, opponentValue, ratio: value / opponentValue, target, runs };
}

const short = (n: number | null): string => (n === null ? '' : n >= 1_000 ? Math.round(n).toLocaleString('en') : n >= 10 ? n.toFixed(1) : n.toFixed(3));

export function table(rows: readonly BenchRow[]): string {
  const lines = [
    ['name', 'value', 'spread', 'unit', 'opponent', 'its value', 'ratio', 'target'],
    ...rows.map((r) => [
      r.name,
      short(r.value),
      r.runs.length > 1 ? `${short(Math.min(...r.runs))} - ${short(Math.max(...r.runs))}` : '',
      r.unit,
      r.opponent ?? '',
      short(r.opponentValue),
      short(r.ratio),
      short(r.target),
    ]),
  ];
  const widths = (lines[0] as string[]).map((_head, i) => Math.max(...lines.map((l) => (l[i] as string).length)));
  return lines
    .map((l) =>
      l
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
