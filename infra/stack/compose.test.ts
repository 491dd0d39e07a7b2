import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultPortBase, portsFrom, readConfig, repoRoot } from '../config.ts';
import { versions } from './versions.ts';

const compose = readFileSync(join(repoRoot, 'infra/compose.yml'), 'utf8');
/** The text of one service. */
const service = (name: string): string => new RegExp(`\\n  ${name}:\\n([\\s\\S]*?)(?=\\n  \\w|\\nvolumes)`).exec(compose)?.[1] ?? '';
const ports = portsFrom(defaultPortBase);

test.each([
  ['kafka', versions.kafka, [ports.kafka]],
  ['registry', versions.registry, [ports.registry]],
  ['clickhouse', versions.clickhouse, [ports.clickhouseHttp, ports.clickhouseTcp]],
  ['redis', versions.redis, [ports.redis]],
  ['s3', versions.s3, [ports.s3]],
] as const)('%s has the version and the ports of the native stack', (name, version, expected) => {
  const text = service(name);
  expect(/image: \S+:v?(\S+)/.exec(text)?.[1]).toBe(version);
  expect([...text.matchAll(/"127\.0\.0\.1:(\d+):/g)].map((m) => Number(m[1]))).toEqual([...expected]);
});

test('the object store has the same keys', () => {
  const { s3 } = readConfig({});
  expect(service('s3')).toContain(`ROOT_ACCESS_KEY: ${s3.accessKey}`);
  expect(service('s3')).toContain(`ROOT_SECRET_KEY: ${s3.secretKey}`);
});

test('the npm package of ClickHouse and the installer of the S3 gateway are of these versions too', () => {
  const { dependencies } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  expect(dependencies['@chdb/lib-linux-x64-gnu']).toMatch(new RegExp(`^${versions.clickhouse}`));
  expect(readFileSync(join(repoRoot, 'infra/bootstrap.sh'), 'utf8')).toContain(`versitygw-${versions.s3}`);
});

test('a setting that cannot be is refused with the fix in the error', () => {
  expect(() => readConfig({ FORYOU_PORT_BASE: 'many' })).toThrow(
    expect.objectContaining({ code: 'config-invalid', fix: expect.stringContaining('whole number') }),
  );
});
