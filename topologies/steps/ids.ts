import { ok, reject, step } from '../engine/steps.ts';

/** The named ids must not be empty. Reads only their lengths: no string is made on the hot path. */
export const hasIds = <const F extends string>(...fields: readonly F[]) => {
  const lengths = fields.map((field) => `$$${field}`);
  return step<Readonly<Record<F, string>>>('hasIds', (e) => {
    for (let i = 0; i < lengths.length; i++)
      if ((e as Record<string, unknown>)[lengths[i] as string] === 0) return reject('id-missing', `${fields[i]} is empty`);
    return ok;
  });
};
