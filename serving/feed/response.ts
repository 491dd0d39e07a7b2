import { type Static, Type } from 'typebox';
import type { VideoCard } from '#schemas/features/views/videos.ts';

const Text = Type.String();

const Numbers = Type.Record(Text, Type.Number());

const ItemExplanation = Type.Object({
  score: Type.Number(),
  sources: Type.Array(Text, { description: 'Every source that offered it.' }),
  outcomes: Type.Record(Text, Type.Number(), { description: 'What the ranker expects, by outcome; empty when the heuristic scored.' }),
  mattered: Type.Array(Type.Object({ feature: Text, value: Type.Number(), effect: Type.Number() }), {
    description: 'What moved the score most, against the same item with the value that is usual among the candidates.',
  }),
  moved: Type.Array(Type.Object({ by: Text, from: Type.Integer(), to: Type.Integer() }), { description: 'Selectors that moved it up.' }),
  features: Numbers,
});

const CandidateExplanation = Type.Object({
  videoId: Text,
  sources: Type.Array(Text),
  score: Type.Number(),
  stage: Type.Union([Type.Literal('found'), Type.Literal('dropped'), Type.Literal('left-out'), Type.Literal('selected')]),
  by: Type.String({ description: 'The filter that dropped it, or the selector that left it out.' }),
});

export const FeedItem = Type.Object({
  videoId: Text,
  position: Type.Integer({ description: 'Position in the session, from 0; send it back with engagement.' }),
  creatorId: Text,
  caption: Text,
  topics: Type.Array(Text),
  durationMs: Type.Integer(),
  live: Type.Boolean({ description: 'A broadcast that goes on; its length is 0.' }),
  hlsUrl: Text,
  firstSegmentUrl: Text,
  posterUrl: Text,
  previewUrl: Type.String({ description: 'A short animated preview; empty when there is none.' }),
  chaptersUrl: Type.String({ description: 'Chapters as WebVTT; empty when there is one.' }),
  placeholder: Type.String({ description: 'A BlurHash of the poster, to be shown until it is there.' }),
  reason: Type.String({ description: 'The source that speaks most for the item.' }),
  explain: Type.Optional(ItemExplanation),
});
export type FeedItem = Static<typeof FeedItem>;

/** What an item says of its video. */
export const shownOf = (card: VideoCard | null) => ({
  creatorId: card?.creatorId ?? '',
  caption: card?.caption ?? '',
  topics: [...(card?.topics ?? [])],
  durationMs: card?.durationMs ?? 0,
  live: card?.live ?? false,
  hlsUrl: card?.hlsUrl ?? '',
  firstSegmentUrl: card?.firstSegmentUrl ?? '',
  posterUrl: card?.posterUrl ?? '',
  previewUrl: card?.previewUrl ?? '',
  chaptersUrl: card?.chaptersUrl ?? '',
  placeholder: card?.placeholder ?? '',
});

const Prefetch = Type.Object({
  videoId: Text,
  hlsUrl: Text,
  firstSegmentUrl: Type.String({ description: 'What a player fetches first; empty when only the playlist is known.' }),
  posterUrl: Text,
});
export type Prefetch = Static<typeof Prefetch>;

export const FeedPage = Type.Object({
  requestId: Type.String({ description: 'Send it back with engagement, so that an outcome joins the response that caused it.' }),
  sessionId: Text,
  degraded: Type.Boolean({ description: 'True when the online store did not answer and the page came from the trending list in memory.' }),
  scorer: Text,
  items: Type.Array(FeedItem),
  prefetch: Type.Array(Prefetch, { description: 'What a player should prepare, the nearest first.' }),
  cursor: Type.String({ description: 'The same cursor always gives the same page; without one the session goes on.' }),
  explain: Type.Optional(
    Type.Object({
      counts: Numbers,
      failedSources: Type.Array(Text),
      arm: Text,
      viewer: Type.Object({ step: Text, completions: Type.Integer() }),
      candidates: Type.Array(CandidateExplanation),
    }),
  ),
});
export type FeedPage = Static<typeof FeedPage>;
