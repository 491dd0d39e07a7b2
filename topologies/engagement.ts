import { engagement } from '#schemas/events/engagement.ts';
import { engagementFeed } from '#schemas/features/views/index.ts';
import { engagements } from '#schemas/tables/history.ts';
import { steps } from './engine/steps.ts';
import { features, rows, topology } from './engine/topology.ts';
import { dedupe } from './steps/dedupe.ts';
import { measurable } from './steps/engagement.ts';
import { hasIds } from './steps/ids.ts';
import { inTime } from './steps/times.ts';

// The same steps twice: both sinks decide the same of every record, and fail apart.
const decide = steps(hasIds('eventId', 'userId', 'videoId'), measurable, inTime, dedupe);

export const engagementHistory = topology(engagements.group, { source: engagement, steps: decide, sink: rows(engagements) });
export const engagementOnline = topology(engagementFeed.group, { source: engagement, steps: decide, sink: features(engagementFeed.views) });
