/** Counters, gauges and histograms by name; names are `foryou_<what>_<unit>`. */
export interface Telemetry {
  count(name: string, labels: Labels, by?: number): void;
  gauge(name: string, labels: Labels, value: number): void;
  /** Durations in milliseconds. */
  observe(name: string, labels: Labels, ms: number): void;
  /** Prometheus text exposition format 0.0.4. */
  exposition(): Promise<string>;
}
export type Labels = Readonly<Record<string, string>>;
