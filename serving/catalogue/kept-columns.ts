import type { OnlineStore } from '#infra/online/online.ts';
import { columnNames, readPacked } from '#schemas/features/read.ts';
import type { AnyPackedView } from '#schemas/features/view.ts';

/** The packed columns of one entity as of the moment when they were fetched. */
export class KeptColumns {
  readonly id: string;
  columns: Float64Array | null = null;
  atMs = Number.NEGATIVE_INFINITY;
  constructor(id: string) {
    this.id = id;
  }
}

/**
 * Fetches what is older than `freshMs`, all in one round trip: requests of one moment share most of their
 * candidates. Afterwards every one of them has columns.
 */
export async function refresh(online: OnlineStore, view: AnyPackedView, entities: Iterable<KeptColumns>, freshMs: number, nowMs: number): Promise<void> {
  const stale = new Set<KeptColumns>();
  for (const entity of entities) if (!(nowMs - entity.atMs < freshMs)) stale.add(entity);
  if (stale.size === 0) return;
  const list = [...stale];
  const values = await online.values(
    view,
    list.map((e) => e.id),
  );
  const width = columnNames(view).length;
  for (let i = 0; i < list.length; i++) {
    const entity = list[i] as KeptColumns;
    entity.columns ??= new Float64Array(width);
    readPacked(view, values[i], nowMs, entity.columns);
    entity.atMs = nowMs;
  }
}
