/**
 * What one event contributes to a feature: a pure function of the event, and the same as SQL over a row
 * of the event's history table. Topologies and serving use the function, jobs over history the SQL; a
 * test holds the two together for every signal of every view.
 */
export interface Signal<E, V = number> {
  (event: E): V;
  readonly sql: string;
}

export const signal = <E, V = number>(value: (event: E) => V, sql: string): Signal<E, V> => {
  if ('sql' in value) throw new TypeError(`${value.name} is a signal already`);
  return Object.assign(value, { sql });
};
