import type { Blobs } from '#infra/blobs/blobs.ts';
import type { EventProducer } from '#infra/producer/producer.ts';
import { type ModerationDecided, moderationDecided } from '#schemas/events/moderation-decided.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { videoRemoved } from '#schemas/events/video-removed.ts';
import { mediaKeys, quarantine } from '#schemas/media/store.ts';
import { drop, ok, step, steps } from '../engine/steps.ts';
import { type Topology, topology, work } from '../engine/topology.ts';
import { dedupe } from '../steps/dedupe.ts';
import { hasIds } from '../steps/ids.ts';
import { inTime } from '../steps/times.ts';
import type { Outcome } from './outcome.ts';
import { decideOnce, has, readHeld, readOutcome, users } from './results.ts';
import { sendEnd } from './topology.ts';

/** What processing decided it has done already. */
const byReviewer = step<ModerationDecided>('byReviewer', (e) => (e.by === 'reviewer' ? ok : drop('not-of-a-reviewer')));

/** What reviewers decide, done: a held upload ends, a published video goes or comes back. Decisions of one video come in order. */
export function reviewsTopology(blobs: Blobs, producer: EventProducer): Topology {
  return topology('video-reviews', {
    source: moderationDecided,
    steps: steps(hasIds('eventId', 'videoId'), inTime, dedupe, byReviewer),
    sink: work<ModerationDecided>({
      concurrency: 1,
      owner: (decision) => decision.videoId,
      cost: () => 1,
      async run(decision, _signal, at) {
        await at('W3');
        const { videoId, eventId, occurredAt, verdict } = decision;
        if (verdict === 'approve' || verdict === 'reject') {
          const held = await readHeld(blobs, videoId);
          if (!held) return;
          const end = await decideOnce(blobs, videoId, ending(held, decision));
          if (end.kind === 'rejected') await users.remove(blobs, end.sha256, videoId);
          await at('W4');
          await sendEnd(producer, end);
        } else if (verdict === 'remove') {
          await at('W4');
          await producer.send(videoRemoved, [{ eventId: `${eventId}/removed`, videoId, occurredAt, reason: 'moderation' }]);
        } else if (verdict === 'restore') {
          const outcome = await readOutcome(blobs, videoId);
          // What its creator withdrew meanwhile does not come back.
          if (outcome?.kind !== 'published' || !(await has(blobs, quarantine, mediaKeys.user(outcome.sha256, videoId)))) return;
          await at('W4');
          await producer.send(videoPublished, [{ ...outcome.event, eventId: `${eventId}/restored`, occurredAt }]);
        }
      },
    }),
  });
}

function ending(held: NonNullable<Awaited<ReturnType<typeof readHeld>>>, decision: ModerationDecided): Outcome {
  const { sha256, event } = held;
  const occurredAt = Math.max(decision.occurredAt, event.occurredAt + 1);
  if (decision.verdict === 'approve') return { kind: 'published', sha256, moderation: null, sound: null, copy: null, event: { ...event, occurredAt } };
  const { videoId, creatorId } = event;
  return {
    kind: 'rejected',
    sha256,
    moderation: null,
    sound: null,
    copy: null,
    event: { eventId: `${videoId}/rejected`, videoId, creatorId, occurredAt, reason: 'policyReview', detail: decision.reason },
  };
}
