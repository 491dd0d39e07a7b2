type Numbers = Int32Array | Float64Array;

/** The same numbers in an array of at least so many places: the same array if it has them, else one twice as long or longer. New places hold `fill`. */
export function wider<A extends Numbers>(old: A, Type: new (length: number) => A, atLeast: number, fill: number): A {
  if (old.length >= atLeast) return old;
  const grown = new Type(Math.max(old.length * 2, atLeast));
  grown.set(old);
  if (fill !== 0) grown.fill(fill, old.length);
  return grown;
}

/**
 * A hash table without its `used` numbers. One that a burst has left far too long is replaced: to empty it after each small
 * batch would cost more than the batch.
 */
export function emptied(table: Int32Array<ArrayBuffer>, used: number, least: number): Int32Array<ArrayBuffer> {
  if (table.length > least && used * 16 < table.length) return new Int32Array(least);
  return table.fill(0);
}
