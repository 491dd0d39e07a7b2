import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { connect } from 'node:net';
import { ForyouError } from '../errors.ts';

const chunkBytes = 256 * 1024;
const patienceMs = 120_000;

/**
 * ClamAV's daemon over TCP, by its INSTREAM command (clamd(8)): chunks with their length in front, a zero at the end.
 * Whatever is no clear answer means "not scanned": the caller waits, the file does not pass.
 */
export class Clamd {
  readonly #host: string;
  readonly #port: number;
  readonly version = 'clamd';

  constructor(address: string) {
    const [host, port] = address.split(':');
    if (!host || !Number.isInteger(Number(port))) throw new ForyouError('config-invalid', `FORYOU_CLAMD is "${address}"`, { fix: 'set it to host:port' });
    this.#host = host;
    this.#port = Number(port);
  }

  /** The name of what was found, or null. */
  async scan(file: string): Promise<string | null> {
    const answer = await this.#ask(file).catch((cause) => {
      throw new ForyouError('unavailable', 'the virus scanner does not answer', { cause, fix: `check clamd at ${this.#host}:${this.#port}` });
    });
    if (answer === 'stream: OK') return null;
    const found = /^stream: (.+) FOUND$/.exec(answer)?.[1];
    if (found) return found;
    throw new ForyouError('unavailable', `the virus scanner could not scan: ${answer}`, {
      fix: 'raise StreamMaxLength and MaxScanSize of clamd to the size of uploads',
    });
  }

  async #ask(file: string): Promise<string> {
    const socket = connect(this.#port, this.#host);
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer in time')));
    let said = '';
    const ended = new Promise<string>((resolve, reject) => {
      socket.on('data', (data) => {
        said += data.toString();
      });
      socket.once('error', reject);
      socket.once('close', () => (said ? resolve(said.replace(/\0$/, '').trim()) : reject(new Error('it hung up'))));
    });
    ended.catch(() => {}); // awaited below; a failed write may come first
    try {
      await once(socket, 'connect');
      socket.write('zINSTREAM\0');
      for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes }) as AsyncIterable<Buffer>) {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(chunk.length);
        socket.write(length);
        // It answers and hangs up as soon as it has seen too much: the answer says so.
        if (!socket.write(chunk) && !socket.destroyed) await Promise.race([once(socket, 'drain'), ended]);
        if (said) break;
      }
      if (!socket.destroyed) socket.write(Buffer.alloc(4));
      return await ended;
    } finally {
      socket.destroy();
    }
  }
}
