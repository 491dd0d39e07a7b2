import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Config } from '../config.ts';
import type { ProcessSpec } from './managed-process.ts';
import { toolPath, tools } from './tools.ts';

const run = promisify(execFile);

/** The engines of the local stack in the order they start; each waits for the ones before it. */
export async function engineSpecs(config: Config): Promise<ProcessSpec[]> {
  return [await kafka(config), redis(config), clickhouse(config), ...(config.s3.external ? [] : [s3(config)]), registry(config)];
}

function dataDir(config: Config, name: string): string {
  const dir = join(config.stateDir, 'data', name);
  mkdirSync(dir, { recursive: true });
  return dir;
}

async function kafka(config: Config): Promise<ProcessSpec> {
  const { host, ports } = config;
  const data = dataDir(config, 'kafka');
  const libs = `${toolPath(config.cacheDir, tools.kafka)}/libs/*`;
  const properties = join(config.stateDir, 'kafka.properties');
  writeFileSync(
    properties,
    [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@${host}:${ports.kafkaController}`,
      `listeners=PLAINTEXT://${host}:${ports.kafka},CONTROLLER://${host}:${ports.kafkaController}`,
      'controller.listener.names=CONTROLLER',
      `log.dirs=${data}`,
      'offsets.topic.replication.factor=1',
      'offsets.topic.num.partitions=4',
      'transaction.state.log.replication.factor=1',
      'transaction.state.log.min.isr=1',
      'transaction.state.log.num.partitions=2',
      'group.initial.rebalance.delay.ms=0',
      'group.min.session.timeout.ms=1000',
      'auto.create.topics.enable=false',
      'log.retention.hours=168',
      'log.message.timestamp.type=LogAppendTime',
    ].join('\n'),
  );
  if (readdirSync(data).length === 0)
    await run('java', [
      '-cp',
      libs,
      'kafka.tools.StorageTool',
      'format',
      // As one argument: one id in sixty-four begins with "-" and would be read as an option.
      `--cluster-id=${Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url')}`,
      '-c',
      properties,
    ]);
  return {
    name: 'kafka',
    command: 'java',
    args: ['-Xmx512m', '-Xms256m', '-XX:+UseG1GC', '-cp', libs, 'kafka.Kafka', properties],
    ready: () => listens(host, ports.kafka),
    readyWithinMs: 90_000,
    graceMs: 20_000,
  };
}

function registry(config: Config): ProcessSpec {
  const dir = toolPath(config.cacheDir, tools.registry);
  const jar = existsSync(dir) ? (readdirSync(dir).find((f) => f.endsWith('-runner.jar')) ?? '') : '';
  return {
    name: 'registry',
    command: 'java',
    args: ['-Xmx384m', '-jar', join(dir, jar)],
    env: {
      QUARKUS_HTTP_PORT: String(config.ports.registry),
      QUARKUS_HTTP_HOST: config.host,
      APICURIO_STORAGE_KIND: 'kafkasql',
      APICURIO_KAFKASQL_BOOTSTRAP_SERVERS: config.kafkaBrokers.join(','),
      // Its consumer of the journal needs a group that no other stack on this machine shares.
      APICURIO_KAFKASQL_CONSUMER_GROUP_PREFIX: `apicurio-${config.ports.registry}-`,
    },
    ready: async () => (await fetch(`${config.registryUrl}/subjects`)).ok,
    readyWithinMs: 120_000,
  };
}

function clickhouse(config: Config): ProcessSpec {
  const { host, ports } = config;
  const listen =
    'SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT sum(sleepEachRow(1)) FROM system.numbers FORMAT Null SETTINGS max_block_size=1, function_sleep_max_microseconds_per_block=0';
  return {
    name: 'clickhouse',
    command: join(toolPath(config.cacheDir, tools.clickhouse), 'chserver'),
    args: [
      `--path=${dataDir(config, 'clickhouse')}`,
      `--listen_host=${host}`,
      `--http_port=${ports.clickhouseHttp}`,
      `--tcp_port=${ports.clickhouseTcp}`,
      `--query=${listen}`,
    ],
    ready: async () => (await fetch(`${config.clickhouseUrl}/ping`)).ok,
    readyWithinMs: 60_000,
  };
}

function redis(config: Config): ProcessSpec {
  const { host, ports } = config;
  return {
    name: 'redis',
    command: 'redis-server',
    args: [
      '--bind',
      host,
      '--port',
      String(ports.redis),
      '--dir',
      dataDir(config, 'redis'),
      '--appendonly',
      'yes',
      '--appendfsync',
      'everysec',
      '--save',
      '',
      '--daemonize',
      'no',
    ],
    ready: () => listens(host, ports.redis, 'PING\r\n', '+PONG'),
    readyWithinMs: 60_000,
  };
}

function s3(config: Config): ProcessSpec {
  const { host, ports, s3: settings } = config;
  return {
    name: 's3',
    command: join(toolPath(config.cacheDir, tools.s3), 'versitygw'),
    args: ['--port', `${host}:${ports.s3}`, '--health', '/health', '--quiet', '--keep-alive', 'posix', dataDir(config, 's3')],
    env: { ROOT_ACCESS_KEY: settings.accessKey, ROOT_SECRET_KEY: settings.secretKey },
    ready: async () => (await fetch(`${settings.endpoint}/health`)).ok,
    readyWithinMs: 20_000,
  };
}

/** True when somebody answers at the port, and, if asked, with the expected words. */
export function listens(host: string, port: number, say?: string, expect?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => done(false));
    socket.once('error', () => done(false));
    socket.once('connect', () => (say ? socket.write(say) : done(true)));
    socket.once('data', (data) => done(data.toString().startsWith(expect ?? '')));
  });
}
