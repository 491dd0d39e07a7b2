import { setTimeout } from 'node:timers/promises';
import type { OnlineStore } from '#infra/online/online.ts';
import { type VideoState, videoState } from '#schemas/features/views/uploads.ts';

const lookEveryMs = 250;
/** A line goes over an idle connection so often, so that nothing between closes it. */
const keepAliveMs = 15_000;
const ends: readonly VideoState['state'][] = ['published', 'rejected', 'removed'];

/** How far videos have come; null for one of which nothing is known. */
export async function statesOf(online: OnlineStore, videoIds: readonly string[]): Promise<(VideoState | null)[]> {
  return (await online.values(videoState, videoIds)).map((stored) => {
    // A card is an f64 time in front of its body.
    const body = stored?.subarray(8).toString();
    return body ? (JSON.parse(body) as VideoState) : null;
  });
}
export const stateOf = async (online: OnlineStore, videoId: string): Promise<VideoState | null> => (await statesOf(online, [videoId]))[0] ?? null;

/** Server-sent events (HTML Living Standard, 9.2): one for each change of state, until the last one. */
export async function* stateChanges(online: OnlineStore, videoId: string, signal: AbortSignal): AsyncGenerator<string> {
  let said = '';
  let saidAt = Date.now();
  while (!signal.aborted) {
    const state = await stateOf(online, videoId).catch(() => null);
    const line = state ? JSON.stringify(shown(state)) : '';
    if (state && line !== said) {
      said = line;
      saidAt = Date.now();
      yield `event: state\ndata: ${line}\n\n`;
      if (ends.includes(state.state)) return;
    } else if (Date.now() - saidAt > keepAliveMs) {
      saidAt = Date.now();
      yield ': still here\n\n';
    }
    await setTimeout(lookEveryMs, undefined, { signal }).catch(() => {});
  }
}

export const shown = ({ state, task, percent, detail, reason, hlsUrl }: VideoState) => ({ state, task, percent, detail, reason, hlsUrl });
