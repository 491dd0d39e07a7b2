import type { AnyView } from '../view.ts';
import { engagementViews } from './engagement.ts';
import { socialViews } from './social.ts';
import { publishedViews, removedViews } from './videos.ts';

/** Every view of the platform. A delta names a view by its place here, so the order is part of the protocol of one release. */
export const allViews: readonly AnyView[] = [...engagementViews, ...publishedViews, ...removedViews, ...socialViews];
