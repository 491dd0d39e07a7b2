import { double, type EventOf, event, int, oneOf, text, timestampMs } from './contract.ts';

/** What a viewer did with one video. Watching is one event; its meaning is derived in `watch.ts`. */
export const engagement = event({
  topic: 'engagement',
  doc: 'A viewer watched a video or answered it with a signal.',
  key: 'userId',
  time: 'occurredAt',
  fields: {
    eventId: text('Unique id, made by the producer once per fact and kept over retries: it counts once.'),
    userId: text('The viewer. Also the record key.'),
    videoId: text('The video.'),
    kind: oneOf('What happened.', ['watch', 'like', 'unlike', 'share', 'comment', 'follow', 'unfollow', 'report', 'notInterested']),
    occurredAt: timestampMs('When it happened, by the viewer device.'),
    watchedMs: int('Milliseconds of playback of this view, loops included; 0 unless kind is watch.', 0),
    durationMs: int('Length of the video in milliseconds; 0 when unknown.', 0),
    loops: int('How many times playback started again from the beginning.', 0),
    playbackRate: double('Playback speed, 1 is normal.', 1),
    creatorId: text('Creator of the video as the player knew it.', ''),
    topic: text('First topic of the video as the player knew it.', ''),
    region: text('Region of the viewer, for example DE.', ''),
    requestId: text('The feed response that showed the video; empty outside the feed.', ''),
    position: int('Position in that response, from 0; -1 outside the feed.', -1),
    arm: text('Experiment arm of that response.', ''),
    reason: text('Why that response showed the video, as it said.', ''),
  },
});

export type Engagement = EventOf<typeof engagement>;
export type EngagementKind = Engagement['kind'];
