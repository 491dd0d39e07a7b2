import type { Labels, Telemetry } from './telemetry.ts';

/** Keeps sums in memory; tests read them with `value`. */
export class MemoryTelemetry implements Telemetry {
  readonly #values = new Map<string, number>();

  count(name: string, labels: Labels, by = 1): void {
    const key = keyOf(name, labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + by);
  }
  gauge(name: string, labels: Labels, value: number): void {
    this.#values.set(keyOf(name, labels), value);
  }
  observe(name: string, labels: Labels, _ms: number): void {
    this.count(`${name}_count`, labels);
  }
  value(name: string, labels: Labels): number {
    return this.#values.get(keyOf(name, labels)) ?? 0;
  }
  async exposition(): Promise<string> {
    return [...this.#values].map(([key, value]) => `${key} ${value}\n`).join('');
  }
}

const keyOf = (name: string, labels: Labels): string =>
  `${name}{${Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${k}="${v}"`)
    .join(',')}}`;
