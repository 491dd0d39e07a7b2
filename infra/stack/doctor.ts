import { execFile } from 'node:child_process';
import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import { quarantine } from '#schemas/media/store.ts';
import type { Uploads } from '../blobs/uploads.ts';
import type { Config } from '../config.ts';
import { listens } from './engines.ts';
import { Stack } from './stack.ts';
import { isInstalled, tools } from './tools.ts';

const run = promisify(execFile);

export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly fix: string;
}

const finding = (check: string, ok: boolean, detail: string, fix = ''): Finding => ({ check, ok, detail, fix: ok ? '' : fix });

async function command(name: string, args: readonly string[], fix: string): Promise<Finding> {
  try {
    const { stdout, stderr } = await run(name, [...args]);
    return finding(name, true, (stdout || stderr).split('\n')[0] ?? '');
  } catch {
    return finding(name, false, 'not found', fix);
  }
}

/** Everything that has been seen to go wrong on a machine, with what to do about it. */
export async function diagnose(config: Config, uploads: Pick<Uploads, 'ages'>): Promise<Finding[]> {
  const installed = (t: (typeof tools)[keyof typeof tools]) => isInstalled(config.cacheDir, t);
  const s3Needed = !config.s3.external && !installed(tools.s3);
  const findings = [
    finding(
      'platform',
      process.platform === 'linux' && process.arch === 'x64',
      `${process.platform} ${process.arch}`,
      'the native stack needs Linux x64; elsewhere use Docker: docker compose -f infra/compose.yml up',
    ),
    finding('node', Number(process.versions.node.split('.')[0]) >= 24, process.version, 'npm ci, then start through make or npx'),
    await command('java', ['-version'], 'apt-get install openjdk-17-jre-headless'),
    await command('redis-server', ['--version'], 'apt-get install redis-server'),
    await command('ffmpeg', ['-hide_banner', '-version'], 'apt-get install ffmpeg'),
    ...(config.media.sandbox === 'none' ? [] : [await sandbox()]),
    ...(installed(tools.kafka) && installed(tools.registry) ? [] : [await command('mvn', ['--version'], 'apt-get install maven')]),
    ...(installed(tools.clickhouse) ? [] : [await command('cc', ['--version'], 'apt-get install gcc libc6-dev')]),
    ...(s3Needed
      ? [await command('go', ['version'], 'install Go 1.21 or newer, or set FORYOU_S3_ENDPOINT to any S3 endpoint, or use Docker: infra/compose.yml')]
      : []),
    ...Object.values(tools).map((t) =>
      finding(
        t.name,
        isInstalled(config.cacheDir, t) || (t === tools.s3 && config.s3.external),
        isInstalled(config.cacheDir, t) ? 'installed' : 'not installed yet',
        'foryou up installs it',
      ),
    ),
    await writable(config.stateDir),
  ];
  return [...findings, ...(await ports(config)), await storageClasses(uploads)];
}

/** Old originals move to cheaper storage where the store has any; where it has none they stay, which is no fault. */
async function storageClasses(uploads: Pick<Uploads, 'ages'>): Promise<Finding> {
  const name = 'storage classes';
  const rules = await uploads.ages(quarantine).catch(() => undefined);
  if (rules === undefined) return finding(name, true, 'the object store does not run, or has no buckets yet: foryou up');
  const said = rules?.map((rule) => `${rule.prefix} to ${rule.storageClass} after ${rule.afterDays} days`).join(', ');
  return finding(name, true, rules === null ? 'this object store has none: originals stay where they are' : said || 'no rules yet: foryou up makes them');
}

/** Whether this user may make namespaces: without them a decoder would see the whole machine. */
async function sandbox(): Promise<Finding> {
  const name = 'media sandbox';
  try {
    await run('bwrap', ['--ro-bind', '/', '/', '--unshare-all', 'true']);
    return finding(name, true, 'bubblewrap, without network');
  } catch (error) {
    const missing = (error as { code?: string }).code === 'ENOENT';
    return missing
      ? finding(name, false, 'bwrap not found', 'apt-get install bubblewrap')
      : finding(name, false, 'bwrap cannot make namespaces', 'allow unprivileged user namespaces, or set FORYOU_MEDIA_SANDBOX=none');
  }
}

async function writable(dir: string): Promise<Finding> {
  try {
    await mkdir(dir, { recursive: true });
    await access(dir, constants.W_OK);
    const { bavail, bsize } = await statfs(dir);
    const freeGib = (bavail * bsize) / 2 ** 30;
    return finding('state folder', freeGib > 2, `${dir}, ${freeGib.toFixed(1)} GiB free`, 'free some space, or set FORYOU_STATE_DIR to another disk');
  } catch {
    return finding('state folder', false, `${dir} cannot be written`, 'set FORYOU_STATE_DIR to a folder of yours');
  }
}

/** A port in use is fine when it is ours. */
async function ports(config: Config): Promise<Finding[]> {
  const ours = new Stack(config).orphans().length > 0;
  if (ours) return [finding('ports', true, 'the stack runs and holds them')];
  const taken = [];
  for (const [name, port] of Object.entries(config.ports)) if (await listens(config.host, port)) taken.push(`${name} ${port}`);
  return [
    finding(
      'ports',
      taken.length === 0,
      taken.length === 0 ? `${config.ports.kafka} and the ones after it are free` : `in use: ${taken.join(', ')}`,
      'set FORYOU_PORT_BASE to another base, or stop what uses them',
    ),
  ];
}
