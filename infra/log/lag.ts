import type { Log } from './log.ts';

/** Records of a topic that a group has not committed yet. */
export async function lagOf(log: Log, group: string, topic: string): Promise<number> {
  const [offsets, committed] = await Promise.all([log.offsets(topic), log.committedOf(group, topic)]);
  return offsets.reduce((sum, p) => sum + p.high - (committed.find((c) => c.partition === p.partition)?.offset ?? p.low), 0);
}
