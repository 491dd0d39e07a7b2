import { avroOf } from '#schemas/events/avro.ts';
import { contracts, deadLetterTopic } from '#schemas/events/index.ts';
import { mediaBucket, originalsAge, quarantine } from '#schemas/media/store.ts';
import { historyTables } from '#schemas/tables/history.ts';
import { pictureHashesTable } from '#schemas/tables/pictures.ts';
import { registeredWorksTable, workWordsTable } from '#schemas/tables/rights.ts';
import { createStatements } from '#schemas/tables/table.ts';
import { type Blobs, buckets } from './blobs/blobs.ts';
import type { Uploads } from './blobs/uploads.ts';
import type { Log } from './log/log.ts';
import type { SchemaRegistry } from './registry/registry.ts';
import type { Warehouse } from './warehouse/warehouse.ts';

const maxRecordBytes = 2 * 1024 * 1024;

/** Makes topics, schemas, tables and buckets; may run again at any time. */
export async function provision(
  ports: { log: Log; registry: SchemaRegistry; warehouse: Warehouse; blobs?: Blobs; uploads?: Uploads },
  partitions: number,
): Promise<void> {
  await ports.log.createTopics([
    ...contracts.map((c) => ({ name: c.topic, partitions, maxRecordBytes })),
    // A dead letter is a whole record and the headers that explain it: it must always fit.
    { name: deadLetterTopic, partitions: 1, maxRecordBytes: 2 * maxRecordBytes },
  ]);
  for (const contract of contracts) await ports.registry.register(contract.topic, avroOf(contract));
  for (const statement of historyTables.flatMap(createStatements)) await ports.warehouse.command(statement);
  for (const statement of [registeredWorksTable, workWordsTable, pictureHashesTable]) await ports.warehouse.command(statement);
  for (const bucket of buckets) await ports.blobs?.createBucket(bucket);
  await ports.uploads?.age(quarantine, originalsAge);
  // Apps of any origin send parts, by URLs that allow just those, and play what was published.
  await ports.uploads?.share(quarantine, { origins: ['*'], methods: ['PUT'], publicRead: false });
  await ports.uploads?.share(mediaBucket, { origins: ['*'], methods: ['GET', 'HEAD'], publicRead: true });
}
