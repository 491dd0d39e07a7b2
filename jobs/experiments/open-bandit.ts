import { existsSync, readFileSync } from 'node:fs';
import { ForyouError } from '#infra/errors.ts';
import { type Logged, meanOf, type OffPolicy, offPolicy } from './off-policy.ts';

interface Row {
  readonly item: string;
  readonly position: string;
  readonly click: number;
  readonly propensity: number;
}

/** Rows of a file of the Open Bandit Dataset (Saito et al., 2020): item_id, position, click and propensity_score by name. */
function readRows(file: string): Row[] {
  if (!existsSync(file)) throw new ForyouError('input-invalid', `cannot read ${file}`, { fix: 'check the path' });
  const [head = '', ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const names = head.trimEnd().split(',');
  const columns = ['item_id', 'position', 'click', 'propensity_score'].map((name) => {
    const at = names.indexOf(name);
    if (at < 0) throw new ForyouError('input-invalid', `${file} has no column ${name}`, { fix: 'give a CSV file with a header, as the dataset has it' });
    return at;
  }) as [number, number, number, number];
  return lines.map((line, i) => {
    const cells = line.split(',');
    const [item, position, click, propensity] = columns.map((at) => cells[at] ?? '') as [string, string, string, string];
    const row = { item, position, click: Number(click), propensity: Number(propensity) };
    if (!Number.isFinite(row.click) || !(row.propensity > 0 && row.propensity <= 1))
      throw new ForyouError('input-invalid', `${file}, line ${i + 2}: click "${click}", propensity "${propensity}"`, { fix: 'a propensity lies in (0, 1]' });
    return row;
  });
}

export interface BanditCheck {
  /** Clicks per item shown under the policy that is estimated: what really happened there. */
  readonly truth: ReturnType<typeof meanOf>;
  readonly logged: ReturnType<typeof meanOf>;
  readonly estimate: OffPolicy;
}

/** Estimates the policy behind one log from another log alone. Its probabilities are how often it showed each item at each position. */
export function estimateFromLogs(loggingFile: string, targetFile: string): BanditCheck {
  const [logging, target] = [readRows(loggingFile), readRows(targetFile)];
  const key = (r: Row) => `${r.item} ${r.position}`;
  const shown = new Map<string, number>();
  const perPosition = new Map<string, number>();
  for (const r of target) {
    shown.set(key(r), (shown.get(key(r)) ?? 0) + 1);
    perPosition.set(r.position, (perPosition.get(r.position) ?? 0) + 1);
  }
  const chance = (item: string, position: string) => (shown.get(`${item} ${position}`) ?? 0) / (perPosition.get(position) ?? 1);
  // The model of rewards: clicks of an item, pulled to the mean by as many imagined rows as the mean needs for one click.
  const mean = logging.reduce((sum, r) => sum + r.click, 0) / logging.length;
  const prior = Math.min(logging.length, 1 / Math.max(mean, 1e-6));
  const byItem = new Map<string, { clicks: number; rows: number }>();
  for (const r of logging) {
    const known = byItem.get(r.item) ?? { clicks: 0, rows: 0 };
    byItem.set(r.item, { clicks: known.clicks + r.click, rows: known.rows + 1 });
  }
  const expected = (item: string) => ((byItem.get(item)?.clicks ?? 0) + prior * mean) / ((byItem.get(item)?.rows ?? 0) + prior);
  const ofPosition = new Map(
    [...perPosition.keys()].map((position) => [position, [...byItem.keys()].reduce((sum, item) => sum + chance(item, position) * expected(item), 0)]),
  );
  const log = logging.map(
    (r): Logged => ({
      reward: r.click,
      propensity: r.propensity,
      target: chance(r.item, r.position),
      expectedLogged: expected(r.item),
      expectedTarget: ofPosition.get(r.position) ?? mean,
    }),
  );
  return { truth: meanOf(target.map((r) => r.click)), logged: meanOf(logging.map((r) => r.click)), estimate: offPolicy(log) };
}
