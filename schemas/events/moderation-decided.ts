import { type EventOf, event, oneOf, text, timestampMs } from './contract.ts';

export const moderationDecided = event({
  topic: 'moderation-decided',
  doc: 'Somebody or something decided whether a video may be shown. The audit: reason, model version and scores of each.',
  key: 'videoId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id of this fact.'),
    videoId: text('The video. Also the record key.'),
    creatorId: text('Who made it.', ''),
    occurredAt: timestampMs('When it was decided.'),
    verdict: oneOf(
      'Publish and hold are of the upload; approve and reject end a hold; remove takes a published video away, restore brings it back; keep leaves all as it is.',
      ['publish', 'hold', 'reject', 'approve', 'remove', 'restore', 'keep'],
    ),
    by: oneOf('Who decided.', ['rules', 'model', 'reviewer']),
    reviewer: text('Which person, when one did.', ''),
    reason: text('Why, in words.', ''),
    model: text('Version of the model whose scores were used; empty without one.', ''),
    rules: text('Version of the rules and thresholds.', ''),
    scores: text('Scores by label, as JSON; empty without any.', ''),
  },
});
export type ModerationDecided = EventOf<typeof moderationDecided>;
