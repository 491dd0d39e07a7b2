import { engagement } from '#schemas/events/engagement.ts';
import { engagements, historyTables } from '#schemas/tables/history.ts';
import { columnName, createStatements } from '#schemas/tables/table.ts';
import { connect, disconnect } from '../adapters.ts';
import { environmentOf } from '../config.ts';
import { startTestStack, type TestStack } from '../testing/test-stack.ts';
import { timeChildren } from './child.ts';
import { type BenchRow, versus } from './row.ts';
import { fillTopic } from './workload.ts';

const events = 1_000_000;
const rounds = 3;

/** Both topologies together against two opponents on the same topic, in turns. */
export async function ingest(say: (line: string) => void): Promise<BenchRow[]> {
  const ours: number[] = [];
  const kafkajs: number[] = [];
  const kafkaEngine: number[] = [];
  const stack = await startTestStack({ FORYOU_PARTITIONS: '4' });
  const adapters = connect(stack.config, 'bench');
  try {
    await fillTopic(adapters, events, (done) => done % 200_000 === 0 && say(`  ${done} events in the topic`));
    for (let round = 0; round < rounds; round++) {
      kafkajs.push(events / (await timeChildren([['kafkajs-baseline.ts', stack.config.kafkaBrokers[0] as string, String(events)]], {})));
      ours.push(events / (await ingestOurs(stack, adapters)));
      kafkaEngine.push(events / (await ingestKafkaEngine(stack, adapters, round)));
      say(
        `  round ${round + 1}: ours ${Math.round(ours.at(-1) as number)}/s, kafkajs ${Math.round(kafkajs.at(-1) as number)}/s, ClickHouse Kafka engine ${Math.round(kafkaEngine.at(-1) as number)}/s`,
      );
    }
  } finally {
    await disconnect(adapters);
    await stack.stop();
  }
  return [
    versus('ingest-vs-kafkajs', 'events/s', 0.25, ours, 'bare kafkajs, read and decode', kafkajs),
    versus('ingest-vs-clickhouse-kafka-engine', 'events/s', 1, ours, 'ClickHouse Kafka engine, raw table only', kafkaEngine),
  ];
}

/** The same with one video in nine of ten events, beside the same number of events of many. */
export async function hotKey(say: (line: string) => void): Promise<BenchRow[]> {
  const rates: Record<'spread' | 'hot', number[]> = { spread: [], hot: [] };
  for (const [name, share] of [
    ['spread', 0],
    ['hot', 0.9],
  ] as const) {
    const stack = await startTestStack({ FORYOU_PARTITIONS: '4' });
    const adapters = connect(stack.config, 'bench');
    try {
      await fillTopic(adapters, events, () => {}, share);
      for (let round = 0; round < rounds; round++) {
        rates[name].push(events / (await ingestOurs(stack, adapters)));
        say(`  ${name}: ${Math.round(rates[name].at(-1) as number)} events/s`);
      }
    } finally {
      await disconnect(adapters);
      await stack.stop();
    }
  }
  return [versus('ingest-hot-key', 'events/s', 1, rates.hot, 'events of many videos', rates.spread)];
}

type Adapters = ReturnType<typeof connect>;

/** From empty stores and groups that never committed. Returns seconds. */
async function ingestOurs(stack: TestStack, adapters: Adapters): Promise<number> {
  await adapters.online.client.flushall();
  await recreateTables(adapters);
  await adapters.log.forgetGroups(['engagement-history', 'engagement-online']);
  const seconds = await timeChildren(
    [
      ['ingest-worker.ts', 'engagement-history', String(events)],
      ['ingest-worker.ts', 'engagement-online', String(events)],
    ],
    environmentOf(stack.config),
  );
  const [row] = await adapters.warehouse.query<{ n: number }>('SELECT count() AS n FROM engagements');
  if (row?.n !== events) throw new Error(`history holds ${row?.n} rows, not ${events}: the figure would not count`);
  return seconds;
}

async function recreateTables(adapters: Adapters): Promise<void> {
  for (const table of historyTables) {
    for (const rollup of table.rollups) {
      await adapters.warehouse.command(`DROP TABLE IF EXISTS ${rollup.name}_mv SYNC`);
      await adapters.warehouse.command(`DROP TABLE IF EXISTS ${rollup.name} SYNC`);
    }
    await adapters.warehouse.command(`DROP TABLE IF EXISTS ${table.name} SYNC`);
    for (const statement of createStatements(table)) await adapters.warehouse.command(statement);
  }
}

/** The same topic into the same raw table by ClickHouse's own consumer: no dedupe, no features, no view. */
async function ingestKafkaEngine(stack: TestStack, adapters: Adapters, round: number): Promise<number> {
  const { warehouse } = adapters;
  const [raw] = createStatements({ ...engagements, name: 'engine_raw', rollups: [] });
  const fields = Object.entries(engagement.fields);
  const type = (name: string): string =>
    name === engagement.time
      ? 'DateTime64(3)'
      : engagement.fields[name as 'userId'].type === ('int' as string)
        ? 'Int32'
        : name === 'playbackRate'
          ? 'Float64'
          : 'String';
  await warehouse.command('DROP TABLE IF EXISTS engine_raw SYNC');
  await warehouse.command(raw as string);
  await warehouse.command(
    `CREATE TABLE engine_queue (${fields.map(([name]) => `${name} ${type(name)}`).join(', ')}) ENGINE = Kafka SETTINGS kafka_broker_list = '${stack.config.kafkaBrokers[0]}', kafka_topic_list = '${engagement.topic}', kafka_group_name = 'engine-${round}', kafka_format = 'AvroConfluent', format_avro_schema_registry_url = '${stack.config.registryUrl}', kafka_num_consumers = 2, kafka_thread_per_consumer = 1, kafka_max_block_size = 131072`,
  );
  const began = performance.now();
  await warehouse.command(
    `CREATE MATERIALIZED VIEW engine_mv TO engine_raw AS SELECT _partition AS log_partition, _offset AS log_offset, _timestamp_ms AS appended_at, ${fields.map(([name]) => `${name} AS ${columnName(name)}`).join(', ')} FROM engine_queue`,
  );
  for (;;) {
    const [row] = await warehouse.query<{ n: number }>('SELECT count() AS n FROM engine_raw');
    if ((row?.n ?? 0) >= events) break;
    if (performance.now() - began > 300_000) throw new Error('the Kafka engine did not finish');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const seconds = (performance.now() - began) / 1_000;
  await warehouse.command('DROP TABLE engine_mv SYNC');
  await warehouse.command('DROP TABLE engine_queue SYNC');
  return seconds;
}
