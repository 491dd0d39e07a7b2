import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../testing/test-stack.ts';
import { Clamd } from './clamd.ts';

// The harmless file that every scanner knows (eicar.org), in two halves: this one must not be found itself.
const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('');
const streamMax = 1_000_000;
let folder: string;
let daemon: ChildProcess;
let address: string;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'foryou-clamd-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'db'));
  writeFileSync(join(folder, 'db/local.ndb'), `Local.Eicar.Test:0:0:${Buffer.from(eicar).toString('hex')}\n`);
  const port = await freePort();
  address = `127.0.0.1:${port}`;
  const settings = ['Foreground yes', `DatabaseDirectory ${folder}/db`, `TCPSocket ${port}`, 'TCPAddr 127.0.0.1', `StreamMaxLength ${streamMax}`];
  writeFileSync(join(folder, 'clamd.conf'), `${settings.join('\n')}\n`);
  daemon = spawn('clamd', ['-c', join(folder, 'clamd.conf')], { stdio: 'ignore' });
  writeFileSync(join(folder, 'clean'), 'nothing to see');
  await eventually('clamd answers', async () => (await new Clamd(address).scan(join(folder, 'clean'))) === null);
});
afterAll(async () => {
  if (daemon?.exitCode === null) {
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

test('the EICAR file is found, plain and compressed; a clean one passes', async () => {
  writeFileSync(join(folder, 'eicar'), eicar);
  writeFileSync(join(folder, 'inside'), gzipSync(eicar));
  expect(await new Clamd(address).scan(join(folder, 'eicar'))).toContain('Eicar');
  expect(await new Clamd(address).scan(join(folder, 'inside'))).toContain('Eicar');
  expect(await new Clamd(address).scan(join(folder, 'clean'))).toBeNull();
});

test('what it could not scan to the end has not passed', async () => {
  writeFileSync(join(folder, 'large'), Buffer.alloc(4 * streamMax));
  await expect(new Clamd(address).scan(join(folder, 'large'))).rejects.toMatchObject({ code: 'unavailable' });
});

test('a scanner that is away is an outage: the file waits', async () => {
  await expect(new Clamd(`127.0.0.1:${await freePort()}`).scan(join(folder, 'clean'))).rejects.toMatchObject({ code: 'unavailable' });
  expect(() => new Clamd('nowhere')).toThrow(expect.objectContaining({ code: 'config-invalid' }));
});
