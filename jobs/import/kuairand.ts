import type { Engagement, EngagementKind } from '#schemas/events/engagement.ts';
import { type ImportFormat, lineId } from './importer.ts';

/**
 * KuaiRand interaction logs (Gao et al., "KuaiRand", CIKM 2022): one line is one view with its
 * watch time and the signals given during it. `time_ms` is the event time; `label` 1 says liked,
 * 0 says hated.
 */
const columns = { user: 0, video: 1, time: 4, follow: 6, comment: 7, forward: 8, played: 10, duration: 11, label: 14 } as const;
const columnCount = 16;

const numberAt = (cells: readonly string[], at: number): number => Number(cells[at] || Number.NaN);

/** KuaiRand's public log has no tags for these videos; how long a video is says a little of what it is. */
function lengthTopic(durationMs: number): string {
  if (durationMs <= 0) return 'length-unknown';
  return durationMs < 15_000 ? 'length-under-15s' : durationMs < 60_000 ? 'length-15-60s' : durationMs < 180_000 ? 'length-1-3min' : 'length-over-3min';
}

export const kuairand: ImportFormat = {
  name: 'kuairand',
  hasHeader: true,
  timeOf: (line) => {
    const time = numberAt(line.split('\t'), columns.time);
    return Number.isFinite(time) ? time : null;
  },
  parse(line, _lineNumber, shiftMs) {
    const cells = line.split('\t');
    if (cells.length !== columnCount) return { bad: `expected ${columnCount} columns, found ${cells.length}` };
    const [time, played, duration] = [numberAt(cells, columns.time), numberAt(cells, columns.played), numberAt(cells, columns.duration)];
    for (const [name, value] of [
      ['time_ms', time],
      ['play_time_ms', played],
      ['duration_ms', duration],
    ] as const)
      if (!Number.isInteger(value) || value < 0) return { bad: `${name} is not a whole number` };
    if (!cells[columns.user] || !cells[columns.video]) return { bad: 'user_id or video_id is empty' };
    const base = (kind: EngagementKind, at: number): Engagement => ({
      eventId: lineId(line, kind),
      userId: `kr-u${cells[columns.user]}`,
      videoId: `kr-v${cells[columns.video]}`,
      kind,
      occurredAt: at + shiftMs,
      watchedMs: 0,
      durationMs: duration,
      loops: 0,
      playbackRate: 1,
      // The log does not name creators: each video stands for itself.
      creatorId: `kr-c${cells[columns.video]}`,
      topic: lengthTopic(duration),
      region: 'CN',
      requestId: '',
      position: -1,
      arm: '',
      reason: '',
    });
    const loops = duration > 0 ? Math.min(10_000, Math.floor(played / duration)) : 0;
    const events = [{ ...base('watch', time), watchedMs: played, loops }];
    const given = (at: number) => cells[at] === '1';
    // The signals came during the view; the log does not say when.
    const signals: [boolean, EngagementKind][] = [
      [given(columns.label), 'like'],
      [cells[columns.label] === '0', 'notInterested'],
      [given(columns.follow), 'follow'],
      [given(columns.comment), 'comment'],
      [given(columns.forward), 'share'],
    ];
    for (const [yes, kind] of signals) if (yes) events.push(base(kind, time));
    return { events };
  },
};
