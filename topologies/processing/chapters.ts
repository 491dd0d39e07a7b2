import type { Frames } from '#infra/media/media.ts';
import { chapterRules } from '#schemas/config/media.ts';
import { histogram } from './look.ts';

interface Stretch {
  readonly start: number;
  readonly end: number;
  /** Mean colours of its frames. */
  readonly colours: Float32Array;
}

const length = (s: Stretch): number => s.end - s.start;

function joined(a: Stretch, b: Stretch): Stretch {
  const total = length(a) + length(b);
  return { start: a.start, end: b.end, colours: a.colours.map((c, i) => (c * length(a) + (b.colours[i] as number) * length(b)) / total) };
}

/** Half the L1 distance: 0 same, 1 nothing in common. */
const distance = (a: Stretch, b: Stretch): number => a.colours.reduce((sum, c, i) => sum + Math.abs(c - (b.colours[i] as number)), 0) / 2;

/**
 * First frames of chapters: scenes next to each other are joined, the most alike first, until what is left differs
 * and no chapter is short (time-constrained clustering: Yeung, Yeo, 1996). A short video is one chapter.
 */
export function chapterStarts(frames: Frames, sceneStarts: readonly number[]): number[] {
  const { width, height, count, pixels, framesPerSecond } = frames;
  if (count / framesPerSecond < chapterRules.videoSecondsMin) return [0];
  const size = width * height * 3;
  let stretches = sceneStarts.map((start, i): Stretch => {
    const end = sceneStarts[i + 1] ?? count;
    const colours = new Float32Array(64);
    for (let f = start; f < end; f++)
      histogram(pixels.subarray(f * size, (f + 1) * size)).forEach((c, k) => {
        colours[k] = (colours[k] as number) + c / (end - start);
      });
    return { start, end, colours };
  });
  const shortest = framesPerSecond * Math.max(chapterRules.secondsMin, count / framesPerSecond / chapterRules.most);
  while (stretches.length > 1) {
    const pairs = stretches
      .slice(1)
      .map((b, i) => ({ i, apart: distance(stretches[i] as Stretch, b), short: Math.min(length(stretches[i] as Stretch), length(b)) < shortest }));
    const next = pairs.filter((p) => p.short || p.apart < chapterRules.distanceMin).sort((a, b) => a.apart - b.apart)[0];
    if (!next) break;
    stretches = [...stretches.slice(0, next.i), joined(stretches[next.i] as Stretch, stretches[next.i + 1] as Stretch), ...stretches.slice(next.i + 2)];
  }
  return stretches.map((s) => s.start);
}

const stamp = (ms: number): string => new Date(ms).toISOString().slice(11, 23);

/** Chapters as players read them (WebVTT; a `track` of kind `chapters`). */
export const chaptersFile = (startsMs: readonly number[], lengthMs: number): string =>
  ['WEBVTT', ...startsMs.map((start, i) => `${stamp(start)} --> ${stamp(startsMs[i + 1] ?? lengthMs)}\nChapter ${i + 1}`)].join('\n\n');
