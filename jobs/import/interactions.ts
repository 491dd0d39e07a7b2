import { ForyouError } from '#infra/errors.ts';
import { type ImportFormat, lineId } from './importer.ts';

export interface InteractionColumns {
  readonly user: number;
  readonly item: number;
  readonly time: number;
  /** Milliseconds or seconds since 1970. */
  readonly timeUnit: 'ms' | 's';
  readonly watchedMs: number | null;
  readonly durationMs: number | null;
  readonly delimiter: string;
  readonly hasHeader: boolean;
}

/** Any file of interactions; columns count from 0. Without watch columns a line is a view to the end. */
export function interactions(c: InteractionColumns): ImportFormat {
  if (c.delimiter === '') throw new ForyouError('input-invalid', 'the delimiter is empty', { fix: "give one, for example --delimiter ','" });
  const scale = c.timeUnit === 's' ? 1_000 : 1;
  const numberAt = (cells: readonly string[], at: number): number => Number(cells[at]?.trim() || Number.NaN);
  // A view to the end of a video of unknown length.
  const assumedMs = 15_000;
  return {
    name: `interactions:${JSON.stringify(c)}`,
    hasHeader: c.hasHeader,
    timeOf: (line) => {
      const time = numberAt(line.split(c.delimiter), c.time) * scale;
      return Number.isFinite(time) ? time : null;
    },
    parse(line, lineNumber, shiftMs) {
      const cells = line.split(c.delimiter);
      const [userId, videoId, time] = [cells[c.user]?.trim(), cells[c.item]?.trim(), numberAt(cells, c.time) * scale];
      if (!userId || !videoId) return { bad: `no user in column ${c.user} or no item in column ${c.item}` };
      if (!Number.isFinite(time)) return { bad: `column ${c.time} is not a time` };
      const durationMs = c.durationMs === null ? assumedMs : numberAt(cells, c.durationMs);
      const watchedMs = c.watchedMs === null ? durationMs : numberAt(cells, c.watchedMs);
      if (!(durationMs >= 0) || !(watchedMs >= 0)) return { bad: 'a watch column is not a number' };
      const occurredAt = Math.round(time + shiftMs);
      const eventId = lineId(`${lineNumber} ${line}`, 'watch');
      const loops = durationMs > 0 ? Math.floor(watchedMs / durationMs) : 0;
      return {
        events: [
          {
            eventId,
            userId,
            videoId,
            kind: 'watch',
            occurredAt,
            watchedMs: Math.round(watchedMs),
            durationMs: Math.round(durationMs),
            loops: Math.max(0, loops - 1),
            playbackRate: 1,
            creatorId: `creator-of-${videoId}`,
            topic: '',
            region: '',
            requestId: '',
            position: -1,
            arm: '',
            reason: '',
          },
        ],
      };
    },
  };
}
