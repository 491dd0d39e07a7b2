import type { Clock } from '#infra/clock/clock.ts';
import type { OnlineStore } from '#infra/online/online.ts';
import type { EventProducer } from '#infra/producer/producer.ts';
import type { VideoCard } from '#schemas/features/views/videos.ts';
import type { Candidate } from '../engine/pipeline.ts';

/** What feed components are given: ports. */
export interface FeedServices {
  readonly online: OnlineStore;
  readonly producer: EventProducer;
  readonly clock: Clock;
}

/** One request for the feed, with what is known of the viewer at this moment. */
export interface FeedQuery {
  readonly requestId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly region: string;
  readonly count: number;
  readonly nowMs: number;
  /** Number that the session's order of equals follows from. */
  readonly seed: number;
  /** How deep sources look: 1, then more when too little was left. */
  readonly depth: number;
  /** Position of the first item in the session. */
  readonly position: number;
  readonly served: ReadonlySet<string>;
  readonly viewer: Viewer;
  /** What to give up when all has been seen. */
  readonly allowSeen: boolean;
}

export interface Viewer {
  /** Topic to decayed value of positive answers; the same of negative ones. */
  readonly topics: ReadonlyMap<string, number>;
  readonly topicsAvoided: ReadonlyMap<string, number>;
  readonly creators: ReadonlyMap<string, number>;
  readonly follows: ReadonlySet<string>;
  readonly reported: ReadonlySet<string>;
}

export interface FeedCandidate extends Candidate {
  card: VideoCard | null;
  seenAt: number | null;
  /** Features by place in `featureNames`, as scored and as logged. */
  features: Float64Array;
  reason: string;
}
