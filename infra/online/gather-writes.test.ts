import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { gatherWrites } from './gather-writes.ts';

/** A client whose sockets remember what reached them in one piece. */
function clientOf(pieces: string[]) {
  const client = Object.assign(new EventEmitter(), { stream: null as Writable | null });
  gatherWrites(client as unknown as Redis);
  return () => {
    client.stream = new Writable({
      decodeStrings: false,
      write: (chunk, _encoding, done) => done(void pieces.push(String(chunk))),
      writev: (chunks, done) => done(void pieces.push(chunks.map((c) => c.chunk).join(''))),
    });
    client.emit('connect');
    return client.stream;
  };
}

test('what is written in one moment leaves as one piece, in its order, on each connection', async () => {
  const pieces: string[] = [];
  const connected = clientOf(pieces);
  const first = connected();
  first.write('a');
  // As the continuations of answers that came together do.
  await Promise.all(['b', 'c'].map(async (text) => first.write(text)));
  await setImmediate();
  first.write('d');
  await setImmediate();
  const second = connected();
  second.write('e');
  second.write('f');
  second.end();
  await setImmediate();
  expect(pieces).toEqual(['abc', 'd', 'ef']);
});
