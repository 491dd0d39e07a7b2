import { deadLetterTopic } from '#schemas/events/index.ts';
import type { Log } from './log/log.ts';

export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly reason: string;
  readonly cause: string;
  readonly rejectedAt: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** Every dead letter once: a crash may have appended one twice, its origin tells. */
export async function listDeadLetters(log: Log): Promise<DeadLetter[]> {
  const byOrigin = new Map<string, DeadLetter>();
  for (const { partition, low, high } of await log.offsets(deadLetterTopic)) {
    await log.read(deadLetterTopic, partition, low, high, (records) => {
      for (const record of records) {
        const text = (name: string): string => String(record.headers?.[name] ?? '');
        const letter = {
          topic: text('topic'),
          partition: Number(text('partition')),
          offset: Number(text('offset')),
          reason: text('reason'),
          cause: text('cause'),
          rejectedAt: text('rejectedAt'),
          key: record.key,
          value: record.value,
        };
        byOrigin.set(`${letter.topic}/${letter.partition}/${letter.offset}`, letter);
      }
    });
  }
  return [...byOrigin.values()];
}

/** Appends dead letters to the topics they came from; returns how many. Their event ids keep them from counting twice. */
export async function replayDeadLetters(log: Log, reason?: string): Promise<number> {
  const letters = (await listDeadLetters(log)).filter((l) => !reason || l.reason === reason);
  for (const letter of letters) await log.append(letter.topic, [{ key: letter.key ?? Buffer.alloc(0), value: letter.value, partition: letter.partition }]);
  return letters.length;
}
