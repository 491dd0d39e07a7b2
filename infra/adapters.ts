import { allViews } from '#schemas/features/views/index.ts';
import type { Config } from './config.ts';
import { KafkaLog } from './log/kafka.ts';
import { ViewCatalog } from './online/delta.ts';
import { RedisOnlineStore } from './online/redis.ts';
import { ConfluentRegistry } from './registry/confluent.ts';
import { PrometheusTelemetry } from './telemetry/prometheus.ts';
import { ClickHouseWarehouse } from './warehouse/clickhouse.ts';

/** The production adapters of one process. Only composition roots and tests call this. */
export function connect(config: Config, clientId: string) {
  const catalog = new ViewCatalog(allViews);
  return {
    catalog,
    log: new KafkaLog({ brokers: config.kafkaBrokers, clientId, sessionTimeoutMs: config.sessionTimeoutMs }),
    registry: new ConfluentRegistry(config.registryUrl),
    warehouse: new ClickHouseWarehouse(config.clickhouseUrl),
    online: new RedisOnlineStore({ url: config.redisUrl, shards: config.onlineShards, catalog }),
    telemetry: new PrometheusTelemetry(),
  };
}
export type Adapters = ReturnType<typeof connect>;

export async function disconnect(adapters: Adapters): Promise<void> {
  await Promise.allSettled([adapters.log.close(), adapters.warehouse.close(), adapters.online.close()]);
}
