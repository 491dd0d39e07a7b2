import { engagementHistory, engagementOnline } from './engagement.ts';
import type { Topology } from './engine/topology.ts';
import { decisionsHistory, decisionsOnline, exposurePools } from './exposure.ts';
import { followHistory, followOnline, servedHistory } from './social.ts';
import * as ofVideos from './videos.ts';

const videos: readonly Topology[] = Object.values(ofVideos);

export const topologies: readonly Topology[] = [
  engagementHistory,
  engagementOnline,
  ...videos,
  followHistory,
  followOnline,
  servedHistory,
  exposurePools,
  decisionsHistory,
  decisionsOnline,
];

/** Groups that one process runs together; history never shares a process with what the feed waits for. */
export const topologyGroups: Readonly<Record<string, readonly Topology[]>> = {
  history: topologies.filter((t) => t.sink.kind === 'rows'),
  online: topologies.filter((t) => t.sink.kind !== 'rows'),
  engagement: [engagementHistory, engagementOnline],
  videos,
  exposure: [exposurePools, decisionsHistory, decisionsOnline],
  social: [followHistory, followOnline, servedHistory],
};

/** The topologies that a name stands for: one of its own, or a group. */
export function topologiesNamed(name: string): readonly Topology[] {
  return topologyGroups[name] ?? topologies.filter((t) => t.name === name);
}
