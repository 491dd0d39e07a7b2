import { drop, ok, step } from '../engine/steps.ts';

const duplicate = drop('duplicate');

/** Two sends of one event id count once. It stands last, so that a rejected record does not take the id with it. */
export const dedupe = step<{ readonly eventId: string }>('dedupe', (_e, context) => (context.firstTime() ? ok : duplicate));
