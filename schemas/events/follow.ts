import { type EventOf, event, oneOf, text, timestampMs } from './contract.ts';

export const follow = event({
  topic: 'follow',
  doc: 'A viewer followed a creator, or stopped following.',
  key: 'userId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    userId: text('Who follows. Also the record key.'),
    creatorId: text('Who is followed.'),
    kind: oneOf('Followed or unfollowed.', ['follow', 'unfollow']),
    occurredAt: timestampMs('When it happened.'),
  },
});
export type Follow = EventOf<typeof follow>;
