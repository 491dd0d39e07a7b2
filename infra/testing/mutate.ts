import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment, repoRoot } from '../config.ts';
import { type Mutant, mutants } from './mutants.ts';

/** The checkout with one mechanism off, in a folder of its own. */
function mutate(mutant: Mutant): string {
  const copy = mkdtempSync(join(tmpdir(), 'foryou-mutant-'));
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: repoRoot, encoding: 'utf8' }).trim().split('\n');
  for (const file of files) cpSync(join(repoRoot, file), join(copy, file));
  symlinkSync(join(repoRoot, 'node_modules'), join(copy, 'node_modules'));
  const path = join(copy, mutant.file);
  const before = readFileSync(path, 'utf8');
  const after = before.replace(mutant.from, mutant.to);
  if (after === before) throw new Error(`the mutant "${mutant.name}" does not apply to ${mutant.file}`);
  writeFileSync(path, after);
  return copy;
}

function goesRed(mutant: Mutant, folder: string): boolean {
  const args = [join(folder, 'node_modules/vitest/vitest.mjs'), 'run', '--project', mutant.project, mutant.testFile, '-t', mutant.testName];
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: folder,
    env: childEnvironment(),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 580_000,
  });
  // Red for the right reason: the tests ran, and some failed.
  return status !== 0 && /Tests .*\d+ failed/.test(stdout);
}

/** `node infra/testing/mutate.ts WORDS` tries those whose name has the words. */
const wanted = process.argv.slice(2).join(' ');
const tried = mutants.filter((m) => m.name.includes(wanted));
let survived = 0;
for (const mutant of tried) {
  const folder = mutate(mutant);
  try {
    const red = goesRed(mutant, folder);
    if (!red) survived++;
    console.log(`${red ? 'red, as it must be' : 'STILL GREEN'}  without the ${mutant.name}: ${mutant.testName}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
console.log(survived === 0 ? `all ${tried.length} mechanisms are tested` : `${survived} of ${tried.length} mechanisms are not tested`);
process.exit(survived === 0 ? 0 : 1);
