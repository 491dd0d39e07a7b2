import type { KafkaMessage } from 'kafkajs';
import { FetchedRecord } from './kafka-record-batch.ts';
import { type LogRecord, recordOf } from './log.ts';

/** A record as kafkajs hands it over; headers only where there are some, since most have none. */
export function fromMessage(message: KafkaMessage | FetchedRecord): LogRecord {
  if (message instanceof FetchedRecord) return message;
  return recordOf({
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    appendedAtMs: Number(message.timestamp),
    ...(message.headers && Object.keys(message.headers).length > 0 ? { headers: message.headers } : {}),
  });
}
