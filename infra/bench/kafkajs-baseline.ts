import avro from 'avsc';
import { Kafka, logLevel } from 'kafkajs';
import { avroOf } from '#schemas/events/avro.ts';
import { engagement } from '#schemas/events/engagement.ts';

// The opponent: bare kafkajs reads the topic, avsc decodes every record, and nothing else happens.
const [broker = '', total = '0'] = process.argv.slice(2);
const type = avro.Type.forSchema(avroOf(engagement) as avro.Schema);
const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
const consumer = kafka.consumer({ groupId: `baseline-${process.pid}-${Date.now()}`, maxBytesPerPartition: 8 * 1024 * 1024, maxBytes: 16 * 1024 * 1024 });
let done = 0;
let watched = 0;
const say = (what: string) => console.log(`${what} ${performance.timeOrigin + performance.now()}`);
await consumer.connect();
await consumer.subscribe({ topic: engagement.topic, fromBeginning: true });
consumer.on(consumer.events.GROUP_JOIN, () => say('begin'));
await consumer.run({
  autoCommit: false,
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch }) => {
    for (const { value } of batch.messages) watched += type.fromBuffer((value as Buffer).subarray(5)).watchedMs;
    done += batch.messages.length;
    if (done >= Number(total)) {
      say('end');
      if (watched === 0) throw new Error('nothing was decoded');
      done = Number.NEGATIVE_INFINITY;
    }
  },
});
process.once('SIGTERM', () => void consumer.disconnect().then(() => process.exit(0)));
