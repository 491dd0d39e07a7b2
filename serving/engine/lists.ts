/** Lists of numbers behind each other. */
export function concatenated(lists: readonly ArrayLike<number>[]): Int32Array {
  const all = new Int32Array(lists.reduce((length, list) => length + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}
