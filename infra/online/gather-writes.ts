import type { Redis } from 'ioredis';

/**
 * Commands of one moment leave in one write to the socket: a write costs as much as several commands. It does what a
 * pipeline of ioredis is used for, without one: each pipeline gives itself a property with a getter of its own, by
 * which V8 makes a hidden class for it, in old space. All that its commands reach, the request that waits for them
 * included, then lives until the next full collection: young garbage was copied twice, and pauses with it.
 */
export function gatherWrites(client: Redis): void {
  client.on('connect', () => {
    const { stream } = client;
    const write = stream.write;
    let gathering = false;
    stream.write = (...args: unknown[]) => {
      if (!gathering) {
        gathering = true;
        stream.cork();
        // After what the present callback has set going, whether it is one of a promise or not.
        queueMicrotask(() =>
          process.nextTick(() => {
            gathering = false;
            stream.uncork();
          }),
        );
      }
      return (write as (...args: unknown[]) => boolean).apply(stream, args);
    };
  });
}
