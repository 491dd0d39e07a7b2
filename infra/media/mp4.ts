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
