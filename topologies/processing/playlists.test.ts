import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ladderFor, rungs } from '#schemas/media/ladder.ts';
import type { Segment } from '#schemas/media/playback.ts';
import { averageBandwidth, masterPlaylist, mediaPlaylist, peakBandwidth } from './playlists.ts';

const segment = (seconds: number, bytes: number, i = 0): Segment => ({ name: `${i}.m4s`, seconds, bytes });

describe('the ladder', () => {
  test('no rung is above its source, sides are even, and the shape stays', () => {
    const side = fc.integer({ min: 16, max: 4_096 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const ladder = ladderFor(width, height);
        expect(ladder.length).toBeGreaterThan(0);
        for (const r of ladder) {
          expect((r.width % 2) + (r.height % 2)).toBe(0);
          expect(r.width).toBeLessThanOrEqual(width);
          expect(r.height).toBeLessThanOrEqual(height);
          expect(Math.abs(r.width * height - r.height * width)).toBeLessThanOrEqual(2 * Math.max(width, height));
        }
      }),
    );
  });
  test('portrait has the same rungs as landscape', () => {
    expect(ladderFor(1_080, 1_920).map((r) => r.name)).toEqual(['144p', '360p', '720p', '1080p']);
    expect(ladderFor(1_080, 1_920).map((r) => [r.height, r.width])).toEqual(ladderFor(1_920, 1_080).map((r) => [r.width, r.height]));
    expect(ladderFor(3_840, 2_160).map((r) => r.name)).toEqual(rungs.map((r) => r.name));
  });
});

describe('bandwidth', () => {
  test('the peak is that of the heaviest run of about one target duration', () => {
    expect(peakBandwidth([segment(2, 1_000), segment(2, 4_000), segment(2, 1_000)])).toBe(16_000);
    // A last segment of a tenth of a second is no peak of its own.
    expect(peakBandwidth([segment(2, 1_000), segment(0.1, 1_000)])).toBe(Math.ceil((8 * 2_000) / 2.1));
  });
  test('the average is never above the peak', () => {
    const segments = fc.array(fc.tuple(fc.integer({ min: 1_000, max: 1_000_000 }), fc.double({ min: 1.9, max: 2.1, noNaN: true })), {
      minLength: 1,
      maxLength: 50,
    });
    fc.assert(
      fc.property(segments, (all) => {
        const made = all.map(([bytes, seconds], i) => segment(seconds, bytes, i));
        expect(averageBandwidth(made)).toBeLessThanOrEqual(peakBandwidth(made));
      }),
    );
  });
});

test('lists as RFC 8216 wants them', () => {
  const segments = [segment(2.083333, 500, 0), segment(1.2, 300, 1)];
  const list = mediaPlaylist(segments, true).split('\n');
  expect(list[0]).toBe('#EXTM3U');
  // No EXTINF, rounded, is above the target.
  expect(list).toContain('#EXT-X-TARGETDURATION:2');
  expect(list.at(-2)).toBe('#EXT-X-ENDLIST');
  expect(mediaPlaylist(segments, false)).not.toContain('ENDLIST');
  const picture = { folder: '360p', codec: 'avc1.64001e', initBytes: 1, segments, width: 640, height: 360, framesPerSecond: 29.97 };
  const sound = { folder: 'sound', codec: 'mp4a.40.2', initBytes: 1, segments };
  const master = masterPlaylist(
    [{ ...picture, folder: '144p', width: 256, height: 144 }, picture, { ...picture, folder: '720p', width: 1_280, height: 720 }],
    sound,
  );
  expect(master.match(/^\d+p\/index\.m3u8$/gm)).toEqual(['360p/index.m3u8', '144p/index.m3u8', '720p/index.m3u8']);
  expect(master).toContain('CODECS="avc1.64001e,mp4a.40.2"');
  expect(masterPlaylist([picture], null)).not.toMatch(/AUDIO|mp4a/);
});
