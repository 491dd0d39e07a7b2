import { columnNames } from '#schemas/features/read.ts';
import { fingerprint } from '#schemas/features/view.ts';
import { videoView } from '#schemas/features/views/engagement.ts';
import type { FeedCandidate, FeedQuery } from './query.ts';

/** Features of the pair of viewer and video, in front of the video's own. */
const viewerFeatures = ['topicAffinity', 'topicAvoidance', 'creatorAffinity', 'followed', 'ageHours', 'sources'] as const;
export const viewerFeatureCount = viewerFeatures.length;

const videoColumns = columnNames(videoView);
export const featureNames: readonly string[] = [...viewerFeatures, ...videoColumns.map((name) => `video.${name}`)];

/** Place of a video column in a candidate's features. */
export const videoFeature = (name: (typeof videoColumns)[number]): number => viewerFeatureCount + videoColumns.indexOf(name);

/** Names what was read, so that training knows which definition a logged value followed. */
export const featureVersion = `video@${fingerprint(videoView).toString(16)}`;

export function fillViewerFeatures(query: FeedQuery, c: FeedCandidate): void {
  const { viewer } = query;
  let affinity = 0;
  let avoidance = 0;
  for (const topic of c.card?.topics ?? []) {
    affinity += viewer.topics.get(topic) ?? 0;
    avoidance += viewer.topicsAvoided.get(topic) ?? 0;
  }
  const creatorId = c.card?.creatorId ?? '';
  c.features[0] = affinity;
  c.features[1] = avoidance;
  c.features[2] = viewer.creators.get(creatorId) ?? 0;
  c.features[3] = viewer.follows.has(creatorId) ? 1 : 0;
  c.features[4] = c.card ? Math.max(0, query.nowMs - c.card.publishedAt) / 3_600_000 : 0;
  c.features[5] = c.sources.length;
}

export const featuresAsJson = (c: FeedCandidate): Record<string, number> =>
  Object.fromEntries(featureNames.map((name, i) => [name, Math.round((c.features[i] as number) * 1e6) / 1e6]));
