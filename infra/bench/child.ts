import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { childEnvironment, repoRoot } from '../config.ts';

/** Runs bench scripts side by side and returns the seconds from the first "begin" to the last "end". */
export async function timeChildren(scripts: readonly (readonly [script: string, ...args: string[]])[], env: Record<string, string>): Promise<number> {
  const children = scripts.map(([script, ...args]) => {
    const child = spawn(process.execPath, [join(repoRoot, 'infra/bench', script), ...args], {
      env: { ...childEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let begin = 0;
    const end = new Promise<number>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`${script} ended before its work`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [what, at] = line.split(' ');
        if (what === 'begin' && begin === 0) begin = Number(at);
        if (what === 'end') resolve(Number(at));
      });
    });
    return { child, end, begin: () => begin };
  });
  try {
    const ends = await Promise.all(children.map((c) => c.end));
    return (Math.max(...ends) - Math.min(...children.map((c) => c.begin()))) / 1_000;
  } finally {
    await Promise.all(
      children.map(async ({ child }) => {
        if (child.exitCode !== null) return;
        const exit = once(child, 'exit');
        child.kill('SIGTERM');
        await exit;
      }),
    );
  }
}
