import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { followVideo, type UploadClient, uploadFile } from '../upload-client.ts';

const types: Readonly<Record<string, string>> = {
  '.webm': 'video/webm',
  '.mkv': 'video/x-matroska',
  '.mov': 'video/quicktime',
  '.ts': 'video/mp2t',
  '.avi': 'video/x-msvideo',
  '.flv': 'video/x-flv',
  '.3gp': 'video/3gpp',
  '.gif': 'image/gif',
};

/** A creator's clip on its way from a file to somebody's feed, in one line. */
export class ClipStory {
  line = 'begins';
  readonly #client: UploadClient;
  readonly #newcomer: () => Promise<string>;

  /** `newcomer` makes the token of somebody who has seen nothing yet. */
  constructor(client: UploadClient, newcomer: () => Promise<string>) {
    this.#client = client;
    this.#newcomer = newcomer;
  }

  async tell(file: string, ended: () => boolean): Promise<void> {
    const began = performance.now();
    const seconds = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`;
    try {
      const bytes = await readFile(file);
      this.line = `${basename(file)}: sends ${(bytes.length / 1e6).toFixed(1)} MB`;
      const about = { type: types[extname(file).toLowerCase()] ?? 'video/mp4', caption: `A clip: ${basename(file)}`, topics: ['clip'] };
      const videoId = await uploadFile(this.#client, bytes, about);
      let playable = '';
      for await (const { state, percent, detail, hlsUrl } of followVideo(this.#client, videoId)) {
        if (ended()) return;
        if (state === 'playable' && !playable) playable = `played after ${seconds()}, `;
        this.line = `${basename(file)}: ${state} ${percent} %${detail ? `: ${detail}` : ''}`;
        if (state !== 'published') continue;
        const published = `${basename(file)}: ${playable}published after ${seconds()}`;
        this.line = published;
        await this.#untilShown(videoId, ended);
        this.line = `${published}, in a newcomer's feed after ${seconds()}; it plays at ${hlsUrl}`;
      }
    } catch (error) {
      this.line = `${basename(file)}: ${error instanceof Error ? error.message : error}`;
    }
  }

  async #untilShown(videoId: string, ended: () => boolean): Promise<void> {
    while (!ended()) {
      const headers = { authorization: `Bearer ${await this.#newcomer()}` };
      const page = await fetch(`${this.#client.url}/api/v1/feed/foryou?count=50`, { headers });
      const { items } = (await page.json()) as { items?: { videoId: string }[] };
      if (items?.some((item) => item.videoId === videoId)) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
