import { type Static, Type } from 'typebox';

const Text = Type.String();

export const FeedItem = Type.Object({
  videoId: Text,
  position: Type.Integer({ description: 'Position in the session, from 0; send it back with engagement.' }),
  creatorId: Text,
  caption: Text,
  topics: Type.Array(Text),
  durationMs: Type.Integer(),
  hlsUrl: Text,
  posterUrl: Text,
  reason: Type.String({ description: 'The source that speaks most for the item.' }),
  explain: Type.Optional(Type.Object({ score: Type.Number(), sources: Type.Array(Text), features: Type.Record(Text, Type.Number()) })),
});
export type FeedItem = Static<typeof FeedItem>;

export const FeedPage = Type.Object({
  requestId: Type.String({ description: 'Send it back with engagement, so that an outcome joins the response that caused it.' }),
  sessionId: Text,
  degraded: Type.Boolean({ description: 'True when the online store did not answer and the page came from the trending list in memory.' }),
  scorer: Text,
  items: Type.Array(FeedItem),
  prefetch: Type.Array(Type.Object({ videoId: Text, hlsUrl: Text, posterUrl: Text }), { description: 'What a player should prepare first.' }),
  cursor: Type.String({ description: 'The same cursor always gives the same page; without one the session goes on.' }),
  explain: Type.Optional(
    Type.Object({
      counts: Type.Record(Text, Type.Number()),
      failedSources: Type.Array(Text),
      dropped: Type.Array(Type.Object({ videoId: Text, filter: Text })),
    }),
  ),
});
export type FeedPage = Static<typeof FeedPage>;
