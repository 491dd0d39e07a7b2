import type { Loaded } from '#infra/artifacts/loader.ts';
import type { Clock } from '#infra/clock/clock.ts';
import type { Members } from '#infra/online/key-log.ts';
import type { OnlineStore } from '#infra/online/online.ts';
import type { GatheringProducer } from '#infra/producer/gathering-producer.ts';
import type { Telemetry } from '#infra/telemetry/telemetry.ts';
import type { Selection } from '#schemas/config/selection.ts';
import type { ViewerFacts } from '#schemas/features/ranking.ts';
import type { VideoCard } from '#schemas/features/views/videos.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { VideoTable } from '../catalogue/video-table.ts';
import type { Candidate } from '../engine/pipeline.ts';
import type { Ranker } from '../ranking/ranker.ts';
import type { ContentIndex } from '../retrieval/content-reader.ts';
import type { Retrieval } from '../retrieval/index-reader.ts';
import type { LiveDelta } from '../retrieval/live-delta.ts';
import type { NewLooks } from '../retrieval/new-looks.ts';
import type { Taste } from '../retrieval/taste.ts';
import type { FeedCandidates } from './candidates.ts';
import type { SharedLists } from './sources/shared-lists.ts';
import type { TrialAudience } from './sources/trial-audience.ts';

/** What feed components are given: ports. */
export interface FeedServices {
  readonly online: OnlineStore;
  /** For what happens because of a response, which nobody waits for. */
  readonly gathering: GatheringProducer;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly models: Models;
  readonly catalogue: Catalogue;
  readonly delta: LiveDelta;
  readonly looks: NewLooks;
  readonly lists: SharedLists;
  readonly trials: TrialAudience;
}

/** The artifacts that serve at this moment. A request takes each once, so that it never mixes versions. */
export interface Models {
  retrieval(): Loaded<Retrieval> | null;
  content(): Loaded<ContentIndex> | null;
  ranker(): Loaded<Ranker> | null;
}

/** One request for the feed, with what is known of the viewer at this moment. */
export interface FeedQuery {
  readonly requestId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly region: string;
  /** Years; null when the token does not say. */
  readonly age: number | null;
  /** The viewer's arm of each experiment, and what they make of the selection. */
  readonly arm: string;
  readonly selection: Selection;
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
  /** What videos, creators and topics have numbers in. */
  readonly videos: VideoTable;
  readonly candidates: FeedCandidates;
  readonly retrieval: Loaded<Retrieval> | null;
  readonly content: Loaded<ContentIndex> | null;
  readonly ranker: Loaded<Ranker> | null;
  /** Where the viewer stands in `retrieval`; null while nothing is known of him. */
  readonly taste: Taste | null;
  /** Whether the answer says why. */
  readonly explain: boolean;
  /** Waits until this request may hold the event loop. */
  readonly turn: () => Promise<void>;
  /** What to give up when all has been seen. */
  readonly allowSeen: boolean;
}

export interface Viewer extends ViewerFacts {
  /** Videos answered well, with the decayed value of the answers. */
  readonly videos: ReadonlyMap<string, number>;
  readonly reported: ReadonlySet<string>;
  /** Videos that were watched. */
  readonly seen: Members;
  /** The packed user view. */
  readonly packed: Buffer | null;
  /** Videos watched to the end, those of weeks ago counting less. */
  readonly completions: number;
  /** How much is known: nobody yet, somebody with a few likings, somebody with a vector. */
  readonly step: 'newcomer' | 'content' | 'vector';
}

/** A candidate that is scored. */
export interface FeedCandidate extends Candidate {
  /** Numbers of the video, its creator and its first topic, -1 where it has none. */
  readonly video: number;
  readonly creator: number;
  readonly topic: number;
  /** Null for one that was removed since the filters saw it. */
  readonly card: VideoCard | null;
  /** Of the video's id, for draws. */
  readonly hash: number;
  /** Whether the viewer has watched it. */
  readonly seen: boolean;
  /** Features by place in `rankingFeatures`, as scored and as logged; of one that is not shown only while its request lasts. */
  readonly features: Float32Array;
  /** One of them. */
  feature(place: number): number;
  reason: string;
  /** The chance with which it came to its place; 1 where nothing was drawn. */
  propensity: number;
  /** Among those it was drawn from, its place by score, from 0. */
  drawPlace: number;
  /** What the ranker expects of it, by outcome; null where the heuristic scored, or when nobody asked. */
  outcomes: Readonly<Record<string, number>> | null;
}
