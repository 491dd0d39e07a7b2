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

/** Runs until SIGINT or SIGTERM, or until the work fails, and stops gracefully either way. */
export async function untilStopped(running: { stop(): Promise<void>; failed?: Promise<never> }): Promise<void> {
  const signalled = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  try {
    await (running.failed ? Promise.race([signalled, running.failed]) : signalled);
  } finally {
    const lastResort = setTimeout(() => process.exit(1), 12_000);
    lastResort.unref();
    await running.stop();
  }
}
