import type { LogRecord } from '#infra/log/log.ts';
import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import type { Row } from './avro-reader.ts';
import type { Decoder } from './decoder.ts';
import type { IdWindow } from './id-window.ts';
import { type Outcome, ok, type Step, type StepContext } from './steps.ts';

/** Runs the steps of a topology over one record at a time, counting outcomes by step name. */
export class Pipeline {
  readonly #decoder: Decoder;
  readonly #steps: readonly Step<Row>[];
  readonly #counts: Int32Array;
  readonly #context: StepContext;
  #window: IdWindow;
  #record!: LogRecord;

  constructor(decoder: Decoder, steps: readonly Step<never>[], window: IdWindow) {
    this.#decoder = decoder;
    this.#steps = steps as readonly Step<Row>[];
    // Three outcomes for decoding and for each step
    this.#counts = new Int32Array(3 * (steps.length + 1));
    this.#window = window;
    const self = this;
    this.#context = {
      get appendedAtMs() {
        return self.#record.appendedAtMs;
      },
      firstTime: () => {
        const row = self.#decoder.row;
        const at = row['$eventId'];
        return self.#window.firstTime(self.#record.offset, row.buffer, at, at + row['$$eventId']);
      },
    };
  }

  /** Forgets the window: the caller reads it back from the log. */
  restart(window: IdWindow): void {
    this.#window = window;
  }

  run(record: LogRecord): Outcome {
    this.#record = record;
    let outcome = this.#decoder.decode(record);
    this.#tally(0, outcome);
    for (let i = 0; outcome === ok && i < this.#steps.length; i++) {
      outcome = (this.#steps[i] as Step<Row>).apply(this.#decoder.row, this.#context);
      this.#tally(i + 1, outcome);
    }
    return outcome;
  }

  #tally(stage: number, outcome: Outcome): void {
    const at = 3 * stage + (outcome === ok ? 0 : outcome.kind === 'drop' ? 1 : 2);
    this.#counts[at] = (this.#counts[at] as number) + 1;
  }

  /** Publishes the counts since the last call. */
  report(telemetry: Telemetry, topology: string): void {
    const names = ['decode', ...this.#steps.map((s) => s.name)];
    this.#counts.forEach((count, i) => {
      const outcome = ['ok', 'drop', 'reject'][i % 3] as string;
      if (count > 0) telemetry.count('foryou_step_records_total', { topology, step: names[Math.floor(i / 3)] as string, outcome }, count);
    });
    this.#counts.fill(0);
  }
}
