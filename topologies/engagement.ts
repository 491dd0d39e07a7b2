import { engagement } from '#schemas/events/engagement.ts';
import { engagementViews } from '#schemas/features/views/engagement.ts';
import { engagements } from '#schemas/tables/history.ts';
import { steps } from './engine/steps.ts';
import { features, rows, topology } from './engine/topology.ts';
import { dedupe } from './steps/dedupe.ts';
import { measurable } from './steps/engagement.ts';
import { hasIds } from './steps/ids.ts';
import { inTime } from './steps/times.ts';

// The same steps twice: both sinks decide the same of every record, and fail apart.
const decide = steps(hasIds('eventId', 'userId', 'videoId'), measurable, inTime, dedupe);

export const engagementHistory = topology('engagement-history', { source: engagement, steps: decide, sink: rows(engagements) });
export const engagementOnline = topology('engagement-online', { source: engagement, steps: decide, sink: features(engagementViews) });
