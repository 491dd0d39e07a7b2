import { MemoryLog } from '#infra/log/memory.ts';
import { ViewCatalog } from '#infra/online/delta.ts';
import { MemoryOnlineStore } from '#infra/online/memory.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { MemoryRegistry } from '#infra/registry/memory.ts';
import { MemoryTelemetry } from '#infra/telemetry/memory.ts';
import { MemoryWarehouse } from '#infra/warehouse/memory.ts';
import { contracts, deadLetterTopic } from '#schemas/events/index.ts';
import { allViews } from '#schemas/features/views/index.ts';
import type { Services } from '../services.ts';

/** Everything a topology needs, in memory: what the guide and unit tests run on. */
export async function memorySetting() {
  const log = new MemoryLog();
  const registry = new MemoryRegistry();
  const catalog = new ViewCatalog(allViews);
  await log.createTopics([...contracts.map((c) => ({ name: c.topic, partitions: 1 })), { name: deadLetterTopic, partitions: 1 }]);
  const services = {
    log,
    registry,
    catalog,
    warehouse: new MemoryWarehouse(),
    online: new MemoryOnlineStore({ shards: 4, catalog }),
    telemetry: new MemoryTelemetry(),
    settings: { dedupeGeneration: 1_024, flushMs: 1, mergeBytes: 1_024, foldRecords: 10_000, insertMs: 10, insertRecords: 1_000, insertBytes: 1_000_000 },
  } satisfies Services;
  return { services, producer: new EventProducer({ log, registry }) };
}
