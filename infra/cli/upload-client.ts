/** What an app does to publish a file, by the API alone. */
export interface UploadClient {
  readonly url: string;
  readonly token: string;
}
export interface ToldState {
  readonly state: string;
  readonly task: string;
  readonly percent: number;
  readonly detail: string;
  readonly hlsUrl: string;
}
interface Announced {
  readonly uploadId: string;
  readonly videoId: string;
  readonly partBytes: number;
  readonly missing: readonly { readonly part: number; readonly url: string }[];
}

async function answer<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** Announces a file, sends its parts and completes it; returns the video's id. */
export async function uploadFile(client: UploadClient, bytes: Buffer, about: { type: string; caption?: string; topics?: readonly string[] }): Promise<string> {
  const headers = { authorization: `Bearer ${client.token}`, 'content-type': 'application/json' };
  const post = (path: string, body: object) => fetch(`${client.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const upload = await answer<Announced>(await post('/api/v1/video/upload', { sizeBytes: bytes.length, ...about }));
  for (const { part, url } of upload.missing) {
    const body = new Uint8Array(bytes.subarray((part - 1) * upload.partBytes, part * upload.partBytes));
    const sent = await fetch(url, { method: 'PUT', body });
    await sent.arrayBuffer();
    if (!sent.ok) throw new Error(`the store answered ${sent.status} to part ${part}`);
  }
  await answer(await post('/api/v1/upload/complete', { uploadId: upload.uploadId }));
  return upload.videoId;
}

/** States of a video as the platform tells them, until the last one. */
export async function* followVideo(client: UploadClient, videoId: string): AsyncGenerator<ToldState> {
  const headers = { authorization: `Bearer ${client.token}` };
  for (;;) {
    const response = await fetch(`${client.url}/api/v1/video/${videoId}/events`, { headers });
    if (response.status === 404) {
      // It is in the log, and will be known in a moment.
      await response.arrayBuffer();
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    if (!response.ok || !response.body) throw new Error(`cannot follow ${videoId}: ${response.status}`);
    let buffer = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      buffer += chunk;
      const events = buffer.split('\n\n');
      buffer = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data) yield JSON.parse(data) as ToldState;
      }
    }
    return;
  }
}
