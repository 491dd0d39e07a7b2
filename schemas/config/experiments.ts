import { type Selection, selection } from './selection.ts';

/** Viewers are dealt to the arms of an experiment by their id alone: the same viewer always meets the same arm. */
export interface Experiment {
  readonly name: string;
  readonly arms: readonly { readonly name: string; readonly share: number; readonly selection: Partial<Selection> }[];
}

export const experiments: readonly Experiment[] = [
  {
    name: 'variety',
    arms: [
      { name: 'control', share: 0.5, selection: {} },
      { name: 'plain', share: 0.5, selection: { variety: 0 } },
    ],
  },
];

export interface Assignment {
  /** `experiment:arm` of each experiment, with a space between them. */
  readonly arm: string;
  readonly selection: Selection;
}

export function assign(userId: string, running: readonly Experiment[] = experiments): Assignment {
  let settings = selection;
  const names = running.map(({ name, arms }) => {
    let place = uniform(`${name}/${userId}`);
    const arm = arms.find((a) => {
      place -= a.share;
      return place < 0;
    });
    settings = { ...settings, ...arm?.selection };
    return `${name}:${arm?.name ?? 'none'}`;
  });
  return { arm: names.join(' '), selection: settings };
}

/** A number in [0, 1) that follows from the text alone (FNV-1a with the final mix of MurmurHash3). */
function uniform(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
