import type { Log, LogConsumer, LogRecord } from './log.ts';

/**
 * Every new record of a topic for one process: from the end of the log on, without marks that outlive it.
 * After a lost connection records may come again; those between are never left out while `failed` is pending.
 */
export async function follow(log: Log, topic: string, each: (records: readonly LogRecord[]) => Promise<void>): Promise<LogConsumer> {
  const group = `foryou-follow-${crypto.randomUUID()}`;
  const next = new Map((await log.offsets(topic)).map((p) => [p.partition, p.high]));
  const consumer = await log.consume(
    { group, topic, maxWaitMs: 100 },
    {
      assigned: async (partition) => next.get(partition) ?? 0,
      async records(partition, records) {
        await each(records);
        next.set(partition, (records.at(-1)?.offset ?? -1) + 1);
      },
      revoked() {},
    },
  );
  return {
    failed: consumer.failed,
    async stop() {
      await consumer.stop();
      await log.forgetGroups([group]).catch(() => {});
    },
  };
}
