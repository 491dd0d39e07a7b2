/**
 * The codec of an initialisation segment as RFC 6381 names it, from the decoder's own configuration box
 * (ISO/IEC 14496-15: avcC holds version, profile, constraints, level).
 */
export function videoCodecOf(init: Buffer): string {
  const at = init.indexOf('avcC', 0, 'latin1');
  if (at < 0 || at + 8 > init.length) throw new TypeError('an initialisation segment without avcC');
  return `avc1.${init.subarray(at + 5, at + 8).toString('hex')}`;
}

/** AAC-LC, the one that `soundTrack` makes. */
export const audioCodec = 'mp4a.40.2';

/** Ticks a second of an initialisation segment's only track (ISO/IEC 14496-12: `mdhd`). */
export function timescaleOf(init: Buffer): number {
  const at = init.indexOf('mdhd', 0, 'latin1');
  if (at < 0 || at + 28 > init.length) throw new TypeError('an initialisation segment without mdhd');
  return init.readUInt32BE(at + (init[at + 4] === 1 ? 24 : 16));
}

/** Boxes between two places of a file, with where the body of each begins and ends. */
function* boxesOf(bytes: Buffer, from: number, to: number): Generator<{ readonly type: string; readonly body: number; readonly end: number }> {
  for (let at = from; at + 8 <= to; ) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > to) throw new TypeError('a segment with a box that does not fit');
    yield { type: bytes.toString('latin1', at + 4, at + 8), body: at + 8, end: at + size };
    at += size;
  }
}

const holders = new Set(['moof', 'traf']);

/**
 * Moves a media segment later by so many ticks and so many fragments, in place: its decode time (`tfdt`), its index
 * (`sidx`) and its number (`mfhd`), as if it had been written behind others.
 */
export function moveSegment(segment: Buffer, ticks: number, fragments: number): void {
  const visit = (from: number, to: number): void => {
    for (const { type, body, end } of boxesOf(segment, from, to)) {
      if (holders.has(type)) visit(body, end);
      const wide = segment[body] === 1;
      const time = type === 'tfdt' ? body + 4 : type === 'sidx' ? body + 12 : -1;
      if (time >= 0 && wide) segment.writeBigUInt64BE(segment.readBigUInt64BE(time) + BigInt(ticks), time);
      if (time >= 0 && !wide) segment.writeUInt32BE(segment.readUInt32BE(time) + ticks, time);
      if (type === 'mfhd') segment.writeUInt32BE(segment.readUInt32BE(body + 4) + fragments, body + 4);
    }
  };
  visit(0, segment.length);
}
