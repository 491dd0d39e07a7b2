import avro from 'avsc';
import { Kafka } from 'kafkajs';

// A producer on its own: the contract's .avsc, the registry's HTTP API and any Kafka client.
// Usage: producer.ts BROKER REGISTRY_URL AVSC_FILE EVENT_ID
const [
  broker = '127.0.0.1:19000',
  registry = 'http://127.0.0.1:19002/apis/ccompat/v7',
  avscFile = 'schemas/avro/engagement.avsc',
  eventId = crypto.randomUUID(),
] = process.argv.slice(2);

// 1. Register the schema under <topic>-value; registering the same one again gives the same id.
const { readFileSync } = await import('node:fs');
const schema = readFileSync(avscFile, 'utf8');
const response = await fetch(`${registry}/subjects/engagement-value/versions`, {
  method: 'POST',
  headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
  body: JSON.stringify({ schema, schemaType: 'AVRO' }),
});
if (!response.ok) throw new Error(`the registry answered ${response.status}: ${await response.text()}`);
const { id } = (await response.json()) as { id: number };

// 2. Encode: a zero byte, the schema id as four bytes big-endian, the Avro body.
const event = {
  eventId,
  userId: 'typescript-viewer',
  videoId: 'some-video',
  kind: 'watch',
  occurredAt: Date.now(),
  watchedMs: 7_200,
  durationMs: 9_000,
  loops: 0,
  playbackRate: 1,
  creatorId: '',
  topic: '',
  region: 'DE',
  requestId: '',
  position: -1,
  arm: '',
  reason: '',
};
const prefix = Buffer.alloc(5);
prefix.writeUInt32BE(id, 1);
const value = Buffer.concat([prefix, avro.Type.forSchema(JSON.parse(schema)).toBuffer(event)]);

// 3. Send with the key that the contract names. Keep the event id over retries: it counts once.
const producer = new Kafka({ brokers: [broker], clientId: 'my-app' }).producer({ idempotent: true });
await producer.connect();
await producer.send({ topic: 'engagement', acks: -1, messages: [{ key: event.userId, value }] });
await producer.disconnect();
console.log(`sent ${eventId}`);
