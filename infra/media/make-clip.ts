import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ClipOptions {
  readonly seconds?: number;
  /** For example 320x240. */
  readonly size?: string;
  readonly rate?: number;
  /** A lavfi source of sound; null for none. */
  readonly sound?: string | null;
  /** More options for the output. */
  readonly output?: readonly string[];
  /** A filter after the picture's source. */
  readonly filter?: string;
  /** A lavfi source without its size and rate. */
  readonly picture?: string;
}

/** Makes a clip whose picture moves and whose sound rings, in a format that follows from the file's extension. */
export async function makeClip(file: string, options: ClipOptions = {}): Promise<string> {
  const { seconds = 3, size = '320x240', rate = 30, sound = 'sine=frequency=440:sample_rate=48000', output = [], filter = '', picture = 'testsrc2' } = options;
  const source = `${picture}=size=${size}:rate=${rate}${filter ? `,${filter}` : ''}`;
  await run('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-t', String(seconds), '-i', source],
    ...(sound ? ['-f', 'lavfi', '-t', String(seconds), '-i', sound] : []),
    ...['-pix_fmt', 'yuv420p', '-preset', 'ultrafast', ...output, file],
  ]);
  return file;
}
