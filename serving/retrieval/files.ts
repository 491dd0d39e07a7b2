import { setImmediate } from 'node:timers/promises';

/** A list of a million ids is read in pieces of this size, between which requests are answered. */
export const piece = 20_000;

export const floatsOf = (bytes: Buffer | undefined): Float32Array => {
  const own = bytes && bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes ?? []);
  return new Float32Array(own.buffer, own.byteOffset, own.byteLength >> 2);
};
export const linesOf = (bytes: Buffer | undefined): string[] => (bytes && bytes.length > 0 ? bytes.toString().split('\n') : []);

export async function placesOf(ids: readonly string[]): Promise<Map<string, number>> {
  const places = new Map<string, number>();
  for (let i = 0; i < ids.length; i++) {
    places.set(ids[i] as string, i);
    if (i % piece === piece - 1) await setImmediate();
  }
  return places;
}
