import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldText, judgePicture, judgeText, moderationRules, pictureScores } from './moderation.ts';

describe('what captions say', () => {
  test.each([
    ['a cat in the garden', [], 'publish'],
    ['Buy   FOLLOWERS now', [], 'hold'],
    ['bUy f0llow3rs', [], 'hold'],
    ['ｂｕｙ ｆｏｌｌｏｗｅｒｓ', [], 'hold'],
    ['búy fóllowers', [], 'hold'],
    ['nice', ['buyFollowers'], 'hold'],
    ['kys', [], 'reject'],
    ['skys over kyoto', [], 'publish'],
    ['for 18+ only', [], 'adult'],
    ['made in 2018', [], 'publish'],
    ['kys and buy followers', [], 'reject'],
    [`${'https://a.example '.repeat(4)}`, [], 'hold'],
  ] as const)('%s %j: %s', (caption, topics, verdict) => {
    expect(judgeText(caption, topics).verdict).toBe(verdict);
  });
  test('folding twice is folding once, and never fails', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(foldText(foldText(text))).toBe(foldText(text));
      }),
    );
  });
});

describe('what pictures say', () => {
  const labels = ['Drawing', 'Hentai', 'Neutral', 'Porn', 'Sexy'];
  const frame = (porn: number) => [0, 0, 1 - porn, porn, 0];
  test('one misread frame among many decides nothing', () => {
    const scores = pictureScores(labels, [frame(0.99), ...Array.from({ length: 20 }, () => frame(0.05))]);
    expect(judgePicture(scores).verdict).toBe('publish');
  });
  test('several frames do, and the reason names label and score', () => {
    const some = Array.from({ length: moderationRules.picture.framesMin }, () => frame(0.97));
    expect(judgePicture(pictureScores(labels, [...some, frame(0)]))).toEqual({ verdict: 'hold', reasons: ['Porn 0.97'] });
    expect(judgePicture({ Porn: 0.97 }, [{ label: 'Porn', reject: 0.95, hold: 0.8, adult: null }]).verdict).toBe('reject');
    expect(judgePicture({ Sexy: 0.99 }).verdict).toBe('adult');
    expect(judgePicture({ Porn: 0.9, Sexy: 0.99 }).verdict).toBe('hold');
    expect(judgePicture({}).verdict).toBe('publish');
  });
});
