/** What many requests share: made anew by the first that finds it older than `freshMs`. What failed is not kept. */
export function keptFor<T>(freshMs: number, make: (nowMs: number) => Promise<T>): (nowMs: number) => Promise<T> {
  let kept: { readonly value: Promise<T>; readonly atMs: number } | null = null;
  return (nowMs) => {
    if (kept && nowMs - kept.atMs < freshMs) return kept.value;
    const mine = { value: make(nowMs), atMs: nowMs };
    kept = mine;
    mine.value.catch(() => {
      if (kept === mine) kept = null;
    });
    return mine.value;
  };
}
