/** What jobs make for serving. Each version is immutable; a pointer names the one that runs. */
export const artifactKinds = ['vectors', 'index', 'content', 'ranker'] as const;
export type ArtifactKind = (typeof artifactKinds)[number];

export const artifactBucket = 'foryou-artifacts';
/** Readers refuse a manifest of another format. */
export const manifestFormat = 1;

export interface ArtifactFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ArtifactManifest {
  readonly format: number;
  readonly kind: ArtifactKind;
  /** Sorts by time of making: `20261121T050000-<fence>`. */
  readonly version: string;
  readonly createdAt: string;
  /** Version of the code that made it. */
  readonly code: string;
  readonly files: readonly ArtifactFile[];
  /** Sizes that a reader checks what it loaded against, for example `count` and `dims`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Measures of goodness, higher is better, for the gate. */
  readonly quality: Readonly<Record<string, number>>;
  /** Settings and the versions of what it was made from. */
  readonly made: Readonly<Record<string, string>>;
}

/** Names the version that serves. Replaced only by a conditional write. */
export interface ArtifactPointer {
  readonly version: string;
  /** Fence of the run that promoted it: a later run's choice is not replaced by an earlier one's. */
  readonly fence: number;
  readonly promotedAt: string;
  /** What ran before, for a rollback. */
  readonly previous: string | null;
}

export const versionFolder = (kind: ArtifactKind, version: string): string => `${kind}/${version}/`;
export const manifestFile = (kind: ArtifactKind, version: string): string => `${versionFolder(kind, version)}manifest.json`;
export const pointerFile = (kind: ArtifactKind): string => `${kind}/current.json`;
export const versionAt = (at: Date, fence: number): string => `${at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}-${String(fence).padStart(6, '0')}`;

/** The moment in a version's name; NaN for a name that is none. */
export const madeAtMs = (version: string): number => Date.parse(version.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)-\d+$/, '$1-$2-$3T$4:$5:$6Z'));

/** So much may a measure of a new version lie under the running one's, as a share of it. */
export type Margins = Readonly<Record<string, number>>;

/** What a new version is held against: the running one, and limits of its own. */
export interface GateRules {
  readonly quality: Margins;
  readonly counts: Margins;
  /** Least values of measures that already compare with something. */
  readonly least?: Readonly<Record<string, number>>;
}

/** Why a version may not replace the running one; empty when it may. */
export function gate(next: ArtifactManifest, running: ArtifactManifest | null, rules: GateRules): string[] {
  const check = (what: 'quality' | 'counts'): string[] =>
    Object.entries(rules[what]).flatMap(([name, margin]) => {
      const value = next[what][name];
      const before = running?.[what][name];
      if (value === undefined || !Number.isFinite(value)) return [`${name} is missing`];
      if (before === undefined || value >= before * (1 - margin)) return [];
      return [`${name} ${round(value)} is more than ${100 * margin} % under the running ${round(before)}`];
    });
  const low = Object.entries(rules.least ?? {}).flatMap(([name, least]) => {
    const value = next.quality[name];
    return value !== undefined && value >= least ? [] : [`${name} ${value === undefined ? 'is missing' : round(value)}, at least ${least} is wanted`];
  });
  return [...check('quality'), ...check('counts'), ...low];
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;
