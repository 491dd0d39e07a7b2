import { randomUUID } from 'node:crypto';

interface Page {
  readonly items: readonly { readonly videoId: string; readonly durationMs: number }[];
  readonly explain?: { readonly candidates: readonly { readonly videoId: string; readonly stage: string; readonly by: string }[] };
}

const pollMs = 2;
const giveUpMs = 10_000;

/**
 * Measures, from outside over HTTP, the time from an engagement's 202 to the first feed that
 * differs because of it: the probe watches the video at the top of its feed, then asks in new
 * sessions until the feed says that it dropped the video as seen. Its absence alone would not do:
 * it may also be missing because another session has another order. Tokens need the scope "explain".
 */
export class FreshnessProbe {
  readonly samplesMs: number[] = [];
  readonly #url: string;
  readonly #token: () => Promise<string>;

  constructor(url: string, tokenOfNewUser: () => Promise<string>) {
    this.#url = url;
    this.#token = tokenOfNewUser;
  }

  /** One measurement with a viewer of its own; null when the feed was empty or did not change in time. */
  async measure(): Promise<number | null> {
    const headers = { authorization: `Bearer ${await this.#token()}` };
    const feed = async (): Promise<Page> =>
      (await fetch(`${this.#url}/api/v1/feed/foryou?count=10&session_id=${randomUUID()}&explain=1`, { headers })).json() as Promise<Page>;
    const top = (await feed()).items?.[0];
    if (!top) return null;
    const response = await fetch(`${this.#url}/api/v1/video/${top.videoId}/engage`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ eventId: randomUUID(), kind: 'watch', occurredAt: Date.now(), watchedMs: 500, durationMs: top.durationMs }),
    });
    if (response.status !== 202) return null;
    const accepted = performance.now();
    while (performance.now() - accepted < giveUpMs) {
      const page = await feed();
      if (page.explain?.candidates.some((c) => c.videoId === top.videoId && c.by === 'not-seen')) {
        const took = performance.now() - accepted;
        this.samplesMs.push(took);
        return took;
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    return null;
  }
}

/** The value below which a fraction of the samples lie (nearest rank). */
export function percentile(samples: readonly number[], fraction: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(fraction * sorted.length) - 1))] ?? Number.NaN;
}
