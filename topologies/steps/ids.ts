import { ok, reject, step } from '../engine/steps.ts';

/** The named ids must not be empty. Reads only their lengths: no string is made on the hot path. */
export const hasIds = <const F extends string>(...fields: readonly F[]) =>
  step<Readonly<Record<F, string>>>('hasIds', (e) => {
    for (const field of fields) if ((e as Record<string, unknown>)[`$$${field}`] === 0) return reject('id-missing', `${field} is empty`);
    return ok;
  });
