import { type VideoCard, videoCard } from '#schemas/features/views/videos.ts';
import type { Hydrator } from '../../engine/pipeline.ts';
import type { FeedCandidate, FeedQuery, FeedServices } from '../query.ts';

/** Parsed cards by id, kept only as long as their bytes in the store stay the same. */
const parsed = new Map<string, { bytes: Buffer; card: VideoCard | null }>();
const maxParsed = 200_000;

export function parseCard(id: string, bytes: Buffer | null): VideoCard | null {
  if (!bytes) return null;
  const known = parsed.get(id);
  if (known?.bytes.equals(bytes)) return known.card;
  const body = bytes.toString('utf8', 8);
  const card = body === '' ? null : (JSON.parse(body) as VideoCard);
  if (parsed.size >= maxParsed) parsed.clear();
  parsed.set(id, { bytes: Buffer.from(bytes), card });
  return card;
}

/** Metadata of every candidate; null for a removed or unknown one. The store is asked each time: a removal counts at once. */
export const cards = ({ online }: FeedServices): Hydrator<FeedQuery, FeedCandidate> => ({
  name: 'cards',
  async hydrate(_query, candidates) {
    const values = await online.values(
      videoCard,
      candidates.map((c) => c.id),
    );
    candidates.forEach((c, i) => {
      c.card = parseCard(c.id, values[i] ?? null);
    });
  },
});
