import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryBlobs } from '#infra/blobs/memory.ts';
import { readConfig } from '#infra/config.ts';
import { FfmpegMedia } from '#infra/media/ffmpeg.ts';
import { makeClip } from '#infra/media/make-clip.ts';
import { confined, inside } from '#infra/media/sandbox.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { processLimits } from '#schemas/config/media.ts';
import { checkFile } from './check.ts';
import { nobody } from './ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'foryou-hostile-'));
const media = new FfmpegMedia(readConfig().media.sandbox);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function endOf(name: string, body: Buffer | string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, body);
  const { outcome } = await checkFile({ blobs: new MemoryBlobs(), media, ...nobody }, file, new AbortController().signal);
  return outcome.kind === 'rejected' ? outcome.event.reason : outcome.kind;
}

describe('files that point elsewhere', () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.end('#EXTM3U\n');
  });
  let url = '';
  let secret = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret.ts`;
    secret = await makeClip(join(folder, 'secret.mp4'), { seconds: 1 });
  });
  afterAll(() => void server.close());

  test('playlists, concatenations, session descriptions and image lists are not videos', async () => {
    const media = (target: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${target}\n#EXT-X-ENDLIST\n`;
    const files = {
      'local.m3u8': media(`file://${secret}`),
      'local.mp4': media(secret),
      'remote.m3u8': media(url),
      'list.txt': `ffconcat version 1.0\nfile '${secret}'\n`,
      'stream.sdp': `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
      'dash.mpd': `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet><Representation id="1" bandwidth="1"><BaseURL>${url}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
      'drawing.svg': `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="${url}"/></svg>`,
    };
    for (const [name, body] of Object.entries(files)) expect(await endOf(name, body), name).toBe('notAVideo');
    expect(asked).toBe(0);
  });

  test('behind the walls there is no network, no other file, and no process but its own', async () => {
    const input = secret;
    const probe = (script: string) =>
      confined('bubblewrap', { command: 'sh', args: ['-c', script], input, limits: processLimits.probe, failsAs: 'damaged' }).then(
        ({ stdout }) => stdout.toString().trim(),
        () => 'failed',
      );
    expect(await probe('cat /etc/passwd')).toBe('failed');
    expect(await probe(`cat ${secret}`)).toBe('failed');
    expect(await probe('ls -A /')).not.toMatch(/home|root|work|tmp|proc/);
    expect(await probe('echo > /usr/x')).toBe('failed');
    const port = (server.address() as AddressInfo).port;
    expect(await probe(`bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}'`)).toBe('failed');
    expect(await probe('env | grep -v -e PWD -e SHLVL -e "^_="')).toBe('PATH=/usr/bin:/bin');
    expect(await probe(`wc -c < ${inside.file}`)).toBe(String((await readFile(secret)).length));
  });
});

describe('files that want too much', () => {
  const limits = { ...processLimits.probe, cpuSeconds: 1, wallSeconds: 2, outputBytes: 1_000, fileBytes: 1_000 };
  test.each([
    ['time of the processor', 'while :; do :; done'],
    ['time', 'sleep 60'],
    ['output', 'yes'],
    ['space', `head -c 100000 /dev/zero > ${inside.folder}/large`],
  ])('%s', async (_what, script) => {
    const run = confined('bubblewrap', { command: 'sh', args: ['-c', script], input: '/dev/null', work: folder, limits, failsAs: 'damaged' });
    await expect(run).rejects.toMatchObject({ reason: 'tooCostly' });
  });
  test('memory', async () => {
    const tight = { ...processLimits.probe, memoryBytes: 64 * 2 ** 20 };
    const clip = await makeClip(join(folder, 'clip.mp4'), { seconds: 1 });
    await expect(media.probe(clip, { limits: tight })).rejects.toMatchObject({ code: expect.stringMatching(/media-refused|prerequisite-missing/) });
  });

  test('a picture of a gigapixel, and one whose bytes unfold to a gigabyte, are refused before they are decoded', async () => {
    const gif = Buffer.from('474946383961ffffffff800000ffffff00000021f90401000000002c00000000ffffffff0002024c01003b', 'hex');
    expect(await endOf('large.gif', gif)).toMatch(/tooLarge|notAVideo/);
    const bomb = deflateSync(Buffer.alloc(64 * 2 ** 20));
    expect(await endOf('bomb.mp4', Buffer.concat([Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom'), bomb]))).toMatch(/notAVideo|damaged/);
  });
  test('given up at any moment it ends, and leaves no process behind', async () => {
    const clip = await makeClip(join(folder, 'given-up.mp4'), { seconds: 1 });
    // Both processes of a sandbox see the file under this name.
    const alive = () =>
      readdirSync('/proc').filter((pid) => {
        if (!/^\d+$/.test(pid)) return false;
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(clip);
        } catch {
          return false;
        }
      });
    for (let i = 0; i < 150; i++) {
      const ending = new AbortController();
      const run = media.probe(clip, { limits: processLimits.probe, signal: ending.signal });
      setTimeout(() => ending.abort(new Error('given up')), i / 10);
      await run.catch((error) => expect(error.message).toBe('given up'));
    }
    await eventually('nothing is left', async () => alive().length === 0, 5_000);
  });

  test('a file of one hour is refused for its length, whatever it shows', async () => {
    const file = await makeClip(join(folder, 'hour.mkv'), { seconds: 3_600, size: '16x16', rate: 1, sound: null });
    expect(await endOf('hour-too.mkv', await readFile(file))).toBe('tooLong');
  });
});
