type Numbers = Int32Array | Float64Array;

/** The same numbers in a longer array, at least twice as long; the new places hold `fill`. */
export function wider<A extends Numbers>(old: A, Type: new (length: number) => A, atLeast: number, fill: number): A {
  const grown = new Type(Math.max(old.length * 2, atLeast));
  grown.set(old);
  if (fill !== 0) grown.fill(fill, old.length);
  return grown;
}
