import { setTimeout } from 'node:timers/promises';
import type { EventContract, EventOf } from '#schemas/events/contract.ts';
import type { EventProducer } from './producer.ts';

/** How long events wait for others. */
const lingerMs = 100;

interface Gathered {
  events: unknown[];
  /** Null while nothing waits. */
  sent: Promise<void> | null;
}

/**
 * Sends what comes within some milliseconds together, for events that nobody waits for: a call to the log costs the
 * same for one event and for fifty.
 */
export class GatheringProducer {
  readonly #producer: EventProducer;
  readonly #gathering = new Map<EventContract, Gathered>();

  constructor(producer: EventProducer) {
    this.#producer = producer;
  }

  /** Resolves once the log has acknowledged the events. */
  send<C extends EventContract>(contract: C, events: readonly EventOf<C>[]): Promise<void> {
    let gathered = this.#gathering.get(contract);
    if (!gathered) {
      gathered = { events: [], sent: null };
      this.#gathering.set(contract, gathered);
    }
    for (const event of events) gathered.events.push(event);
    gathered.sent ??= this.#send(contract, gathered);
    return gathered.sent;
  }

  async #send(contract: EventContract, gathered: Gathered): Promise<void> {
    await setTimeout(lingerMs);
    const { events } = gathered;
    gathered.events = [];
    gathered.sent = null;
    await this.#producer.send(contract, events as EventOf<EventContract>[]);
  }

  /** Resolves when nothing waits any more; what could not be sent was told to who sent it. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#gathering.values()].map(({ sent }) => sent));
  }
}
