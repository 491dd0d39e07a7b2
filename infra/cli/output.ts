import { ForyouError } from '../errors.ts';

/** Prints rows for people as aligned columns, or for scripts as JSON. */
export function print(rows: readonly Readonly<Record<string, unknown>>[], json: boolean): void {
  if (json) {
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? '')))];
  const widths = names.map((_name, i) => Math.max(...cells.map((line) => (line[i] as string).length)));
  for (const line of cells)
    console.log(
      line
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd(),
    );
}

/** An expected failure in two lines; anything else with its stack, for it is a bug. */
export function printError(error: unknown): void {
  if (!(error instanceof ForyouError)) {
    console.error(error);
    return;
  }
  console.error(`foryou: ${error.message}`);
  if (error.fix) console.error(`  fix: ${error.fix}`);
}

/** Resolves when a person or a system asks the process to end; a terminal that was closed asks too. */
export function interruption(): Promise<void> {
  // Output to a terminal that is gone must not end the clean-up.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

/** Aborted when the process is asked to end, for work that ends at its next step; asked again, the process ends at once. */
export function untilInterrupted(): AbortSignal {
  const ending = new AbortController();
  void interruption().then(() => {
    console.error('foryou: ends at the next step; once more to end at once');
    ending.abort();
    void interruption().then(() => process.exit(130));
  });
  return ending.signal;
}

/** Runs until interrupted, or until the work fails, and stops gracefully either way. */
export async function untilStopped(running: { stop(): Promise<void>; failed?: Promise<never> }): Promise<void> {
  const interrupted = interruption();
  try {
    await (running.failed ? Promise.race([interrupted, running.failed]) : interrupted);
  } finally {
    await running.stop();
  }
}
