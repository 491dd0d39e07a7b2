import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logLayoutOf } from '#schemas/features/layout.ts';
import { userCreators, userSeen, userTopics } from '#schemas/features/views/engagement.ts';
import { DeltaWriter, ViewCatalog } from './delta.ts';
import { KeyLog, membersOf } from './key-log.ts';

/** Before the entries stand the section's head, a key of one byte, and how long they are. */
const before = 7 + 6 + 5;

function logOf(keys: readonly string[]): KeyLog {
  const writer = new DeltaWriter().value(0).key(Buffer.from('k'), Buffer.alloc(0), 0, 0).beginLog();
  for (const [i, key] of keys.entries()) {
    const bytes = Buffer.from(key);
    writer.entry(i, logLayoutOf(userSeen).tag, bytes, 0, bytes.length);
  }
  writer.endLog();
  return new KeyLog(logLayoutOf(userSeen), writer.finish().bytes.subarray(before));
}

test('a log that is searched by hashes knows the keys that a set would know', () => {
  // Few letters and few lengths: many keys are the same.
  const key = fc.oneof(fc.string({ unit: fc.constantFrom('a', 'b', 'é', '漢'), minLength: 1, maxLength: 3 }), fc.string({ minLength: 1, unit: 'grapheme' }));
  fc.assert(
    fc.property(fc.array(key, { maxLength: 60 }), fc.array(key, { maxLength: 60 }), (has, others) => {
      const asked = [...others, ...has, ...others];
      const log = logOf(has);
      expect([...log.among(asked)]).toEqual([...membersOf(has).among(asked)]);
      expect([...log.scores().keys()]).toEqual([...new Set(has)]);
    }),
  );
});

test('views that could not be told apart in their log are refused', () => {
  expect(() => new ViewCatalog([userTopics, userCreators, userTopics])).not.toThrow();
  // A capacity is no other version of a view.
  expect(() => new ViewCatalog([userTopics, { ...userTopics, capacity: 7 }])).toThrow('have one mark in their log');
});
