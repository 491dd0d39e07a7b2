import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'foryou-media';
/** Who made a folder stands in its name: others on this machine may share the place, and other machines too. */
const nameOf = (pid: number): string => `${prefix}-${hostname()}-${pid}-`;

/** A folder for the files of one upload while it is worked on. */
export const makeScratch = (): Promise<string> => mkdtemp(join(tmpdir(), nameOf(process.pid)));

/** Removes what workers that were killed on this machine left behind: originals may be large. Returns how many folders. */
export async function sweepScratch(): Promise<number> {
  const ours = `${prefix}-${hostname()}-`;
  let swept = 0;
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(ours) ? Number(/^(\d+)-[^-]+$/.exec(name.slice(ours.length))?.[1]) : Number.NaN;
    const folder = join(tmpdir(), name);
    if (!pid || !(await isLeft(pid, folder))) continue;
    await rm(folder, { recursive: true, force: true });
    swept++;
  }
  return swept;
}

/** Nobody works in it: its process is gone, or it is older than the process that has the number now. */
async function isLeft(pid: number, folder: string): Promise<boolean> {
  if (pid === process.pid) return (await stat(folder)).mtimeMs < performance.timeOrigin;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
