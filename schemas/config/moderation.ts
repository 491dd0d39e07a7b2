/** From which probability on a label does what; null for never. */
export interface PictureRule {
  readonly label: string;
  readonly reject: number | null;
  readonly hold: number | null;
  readonly adult: number | null;
}

/** What may be shown, as configuration with a version: every decision names it. */
export const moderationRules = {
  version: '1',
  /**
   * Words and phrases in captions and hashtags, in the folded form of `foldText`. They are matched as whole words.
   * A platform brings its own lists; these show the shape.
   */
  text: [
    { words: ['buy followers', 'free followers', 'crypto giveaway', 'double your money'], verdict: 'hold', reason: 'looks like spam' },
    { words: ['kill yourself', 'kys'], verdict: 'reject', reason: 'incites self-harm' },
    { words: ['nsfw', '18+'], verdict: 'adult', reason: 'is for adults by its own words' },
  ],
  /** So many links or mentions in one caption look like spam. */
  linksMax: 3,
  mentionsMax: 10,
  /**
   * Probabilities that a picture model gives, by label: the mean over the third of the frames that score highest, and
   * over `framesMin` at least, so that one misread frame decides nothing. The small model that comes with the platform
   * takes a cockatoo on a branch for nakedness: it may ask a person to look, it may not reject. With a better one set
   * `reject`.
   */
  picture: {
    framesMin: 3,
    share: 1 / 3,
    labels: [
      { label: 'Porn', reject: null, hold: 0.8, adult: null },
      { label: 'Hentai', reject: null, hold: 0.8, adult: null },
      { label: 'Sexy', reject: null, hold: null, adult: 0.85 },
    ] as readonly PictureRule[],
  },
  /** Years that a viewer must have for what is for adults. */
  adultAge: 18,
  /** Distinct viewers who report a video bring it before a reviewer. */
  reportersMin: 3,
} as const;

export type TextVerdict = 'publish' | 'hold' | 'reject' | 'adult';

const lookalikes: Readonly<Record<string, string>> = { '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '@': 'a', $: 's' };

/** One spelling for many: compatibility forms, marks and case away, lookalikes inside words back to letters, single spaces. */
export function foldText(text: string): string {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  // Digits are letters only beside letters: "18+" and "2026" stay what they are.
  const letters = plain.replace(/[013457@$]/g, (sign, at: number) =>
    /\p{L}/u.test(plain[at - 1] ?? '') || /\p{L}/u.test(plain[at + 1] ?? '') ? (lookalikes[sign] as string) : sign,
  );
  return ` ${letters.replace(/[^\p{L}\p{N}+]+/gu, ' ').trim()} `;
}

const strictness: readonly TextVerdict[] = ['publish', 'adult', 'hold', 'reject'];
const stricter = (a: TextVerdict, b: TextVerdict): TextVerdict => (strictness.indexOf(a) >= strictness.indexOf(b) ? a : b);

export interface Judgement {
  readonly verdict: TextVerdict;
  readonly reasons: readonly string[];
}

/** What caption and hashtags say. */
export function judgeText(caption: string, topics: readonly string[]): Judgement {
  // Hashtags have no spaces: they are matched with and without.
  const texts = [foldText(caption), foldText(topics.join(' , ')), ...topics.map((t) => foldText(t.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')))];
  let verdict: TextVerdict = 'publish';
  const reasons: string[] = [];
  const say = (found: TextVerdict, reason: string) => {
    verdict = stricter(verdict, found);
    reasons.push(reason);
  };
  for (const rule of moderationRules.text) if (rule.words.some((words) => texts.some((text) => text.includes(foldText(words))))) say(rule.verdict, rule.reason);
  if ((caption.match(/https?:\/\//g) ?? []).length > moderationRules.linksMax) say('hold', 'has many links');
  if ((caption.match(/@\w/g) ?? []).length > moderationRules.mentionsMax) say('hold', 'mentions many people');
  return { verdict, reasons };
}

/** What a model says of the frames of a video, by label. */
export function pictureScores(labels: readonly string[], frames: readonly ArrayLike<number>[]): Readonly<Record<string, number>> {
  const { framesMin, share } = moderationRules.picture;
  const counted = Math.max(framesMin, Math.ceil(share * frames.length));
  const scores = labels.map((label, i) => {
    const highest = Array.from(frames, (row) => row[i] as number)
      .sort((a, b) => b - a)
      .slice(0, counted);
    return [label, highest.length > 0 ? highest.reduce((sum, s) => sum + s, 0) / highest.length : 0] as const;
  });
  return Object.fromEntries(scores);
}

export function judgePicture(scores: Readonly<Record<string, number>>, rules: readonly PictureRule[] = moderationRules.picture.labels): Judgement {
  let verdict: TextVerdict = 'publish';
  const reasons: string[] = [];
  for (const rule of rules) {
    const score = scores[rule.label] ?? 0;
    const found = (['reject', 'hold', 'adult'] as const).find((what) => score >= (rule[what] ?? Number.POSITIVE_INFINITY));
    if (!found) continue;
    verdict = stricter(verdict, found);
    reasons.push(`${rule.label} ${score.toFixed(2)}`);
  }
  return { verdict, reasons };
}

/** The stricter of both. */
export const together = (a: Judgement, b: Judgement): Judgement => ({ verdict: stricter(a.verdict, b.verdict), reasons: [...a.reasons, ...b.reasons] });
