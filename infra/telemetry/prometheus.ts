import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Labels, Telemetry } from './telemetry.ts';

const bucketsMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

export class PrometheusTelemetry implements Telemetry {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  count(name: string, labels: Labels, by = 1): void {
    const make = () => new Counter({ name, help: name, labelNames: Object.keys(labels), registers: [this.#registry] });
    cached(this.#counters, name, make).inc(labels, by);
  }
  gauge(name: string, labels: Labels, value: number): void {
    const make = () => new Gauge({ name, help: name, labelNames: Object.keys(labels), registers: [this.#registry] });
    cached(this.#gauges, name, make).set(labels, value);
  }
  observe(name: string, labels: Labels, ms: number): void {
    const make = () =>
      new Histogram({ name, help: `${name} in milliseconds`, labelNames: Object.keys(labels), buckets: bucketsMs, registers: [this.#registry] });
    cached(this.#histograms, name, make).observe(labels, ms);
  }
  exposition(): Promise<string> {
    return this.#registry.metrics();
  }
}

function cached<T>(map: Map<string, T>, name: string, make: () => T): T {
  const known = map.get(name);
  if (known) return known;
  const made = make();
  map.set(name, made);
  return made;
}
