import type { ViewerFacts } from '#schemas/features/ranking.ts';
import type { VideoTable } from '../catalogue/video-table.ts';

/**
 * What is known of a viewer, with videos, creators and topics by their numbers in a table. To be made once all
 * candidates have theirs: what has none then is no candidate's.
 */
export interface NumberedViewer extends ViewerFacts<number> {
  /** The viewer as a creator, -1 for one who made nothing. */
  readonly self: number;
  readonly reported: ReadonlySet<number>;
  /** Served in this session. */
  readonly served: ReadonlySet<number>;
}

type Named = ViewerFacts & { readonly reported: ReadonlySet<string> };

export function numberedViewer(userId: string, viewer: Named, served: ReadonlySet<string>, videos: VideoTable): NumberedViewer {
  const topic = (name: string) => videos.topicNumber(name);
  const creator = (id: string) => videos.creatorNumber(id);
  const video = (id: string) => videos.known(id);
  return {
    self: creator(userId) ?? -1,
    topics: mapOf(viewer.topics, topic),
    topicsAvoided: mapOf(viewer.topicsAvoided, topic),
    creators: mapOf(viewer.creators, creator),
    follows: setOf(viewer.follows, creator),
    reported: setOf(viewer.reported, video),
    served: setOf(served, video),
  };
}

type Numbering = (name: string) => number | undefined;

function mapOf(values: ReadonlyMap<string, number>, numberOf: Numbering): Map<number, number> {
  const numbers = new Map<number, number>();
  for (const [name, value] of values) {
    const number = numberOf(name);
    if (number !== undefined) numbers.set(number, value);
  }
  return numbers;
}
function setOf(names: Iterable<string>, numberOf: Numbering): Set<number> {
  const numbers = new Set<number>();
  for (const name of names) {
    const number = numberOf(name);
    if (number !== undefined) numbers.add(number);
  }
  return numbers;
}

export const nobody: NumberedViewer = {
  self: -1,
  topics: new Map(),
  topicsAvoided: new Map(),
  creators: new Map(),
  follows: new Set(),
  reported: new Set(),
  served: new Set(),
};
