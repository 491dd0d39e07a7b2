import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { repoRoot } from '../config.ts';
import { mutants } from './mutants.ts';

const run = promisify(execFile);
const bin = (name: string): string => join(repoRoot, 'node_modules/.bin', name);

/** What a well-kept tool says; its report is the failure's message. */
async function passes(name: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await run(bin(name), args, { cwd: repoRoot, maxBuffer: 1 << 26 });
    return stdout;
  } catch (error) {
    throw new Error(`${name}:\n${(error as { stdout: string }).stdout}${(error as { stderr: string }).stderr}`, { cause: error });
  }
}

/** Files of the project: what git tracks, or would. */
const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: repoRoot });
const files = stdout.trim().split('\n');
const sources = files.filter((f) => f.endsWith('.ts')).map((path) => ({ path, text: readFileSync(join(repoRoot, path), 'utf8') }));
const lines = (text: string): number => text.trimEnd().split('\n').length;

describe('tools', () => {
  test('biome: formatting and lint', () => passes('biome', 'check', '.'));
  test('dependency-cruiser: import directions', async () => {
    expect(await passes('depcruise', '--config', '.dependency-cruiser.cjs', 'schemas', 'topologies', 'jobs', 'serving', 'infra')).toMatch(/[1-9]\d+ modules/);
  });
  test('knip: nothing unused', () => passes('knip'));
});

describe('the house', () => {
  test('the top level is fixed', () => {
    const folders = new Set(files.filter((f) => f.includes('/')).map((f) => f.split('/')[0]));
    expect([...folders].filter((f) => !f?.startsWith('.')).sort()).toEqual(['infra', 'jobs', 'schemas', 'serving', 'topologies']);
  });
  test('no folder is called after nothing', () => {
    expect(files.filter((f) => /(^|\/)(lib|common|utils|helpers|src|misc)\//.test(f))).toEqual([]);
  });
  test('every mutant still finds what it switches off, and a file with the test that must notice', () => {
    const textOf = (path: string) => readFileSync(join(repoRoot, path), 'utf8');
    const tests = files.filter((f) => f.endsWith('.test.ts'));
    const stale = mutants.filter(({ file, from, to, testFile }) => textOf(file).replace(from, to) === textOf(file) || !tests.some((t) => t.includes(testFile)));
    expect(stale.map((m) => m.name)).toEqual([]);
  });
  test('names are kebab-case', () => {
    expect(sources.map((s) => s.path).filter((p) => !/^[a-z0-9/.-]+$/.test(p))).toEqual([]);
  });
  test('files are short: median under 90 lines, 95 of 100 under 220, none over 400', () => {
    const sizes = sources.map((s) => lines(s.text)).sort((a, b) => a - b);
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThan(90);
    expect(sizes[Math.floor(sizes.length * 0.95)]).toBeLessThan(220);
    expect(sources.filter((s) => lines(s.text) > 400).map((s) => s.path)).toEqual([]);
  });
  test('functions are under 70 lines', () => {
    // A top-level function or a method ends at the first closing brace of its own indentation.
    const long: string[] = [];
    for (const { path, text } of sources.filter((s) => !s.path.endsWith('.test.ts'))) {
      const all = text.split('\n');
      all.forEach((line, i) => {
        const start = /^( {0,2})(export )?(static )?(async )?(function\b|#?\w+\(.*\{$)/.exec(line);
        if (!start || /^\s*((if|for|while|switch)\b|\w+\(\{$)/.test(line)) return;
        const end = all.findIndex((l, k) => k > i && (l === `${start[1]}}` || l === `${start[1]}},`));
        if (end - i > 70) long.push(`${path}:${i + 1}`);
      });
    }
    expect(long).toEqual([]);
  });
  test('only the configuration reads the environment', () => {
    const readers = sources
      .filter((s) => /process\.env\b/.test(s.text) && !/(\.test\.ts|^infra\/testing\/|\/faults\/|^vitest)/.test(s.path))
      .map((s) => s.path);
    // The second only sets what a native library reads at its start.
    expect(readers).toEqual(['infra/config.ts', 'infra/inference/no-telemetry.ts']);
  });
  test('no pipelines of ioredis, which hold requests in old space: see infra/online/gather-writes.ts', () => {
    expect(sources.filter((s) => /\.(pipeline|multi)\(\)/.test(s.text)).map((s) => s.path)).toEqual([]);
  });
  test('no test is skipped or alone', () => {
    const marks = new RegExp(`\\b(test|it|describe)\\.(${['skip', 'only', 'todo', 'fails'].join('|')})\\b`);
    expect(sources.filter((s) => marks.test(s.text)).map((s) => s.path)).toEqual([]);
  });
});
