import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import { type Adapters, connect, disconnect } from '#infra/adapters.ts';
import { type Config, childEnvironment, environmentOf } from '#infra/config.ts';
import { listDeadLetters } from '#infra/dead-letters.ts';
import { lagOf } from '#infra/log/lag.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { exposureReason } from '#schemas/config/exposure.ts';
import { type Engagement, engagement } from '#schemas/events/engagement.ts';
import { poolDecision } from '#schemas/events/pool-decision.ts';
import { poolStateOf, videoPool } from '#schemas/features/views/exposure.ts';
import { historyTables } from '#schemas/tables/history.ts';
import { firstDifference } from '../engine/feature-agreement.ts';
import { badEngagements, makeEngagement, Sittings } from './events.ts';

/** A topology in a process of its own, so that it can be killed; `stopAt` freezes it where a step begins. */
export class Worker {
  readonly child: ChildProcess;
  readonly frozen: Promise<string>;
  /** Tasks of uploads as they begin and end, in order, such as "ladder:begins". */
  readonly tasks: string[] = [];
  #exited = false;

  constructor(config: Config, name: string, stopAt?: { step: string; occurrence: number }) {
    const args = [join(import.meta.dirname, 'worker.ts'), name, ...(stopAt ? [stopAt.step, String(stopAt.occurrence)] : [])];
    this.child = spawn(process.execPath, args, { env: { ...childEnvironment(), ...environmentOf(config) }, stdio: ['ignore', 'pipe', 'inherit'] });
    this.child.once('exit', () => {
      this.#exited = true;
    });
    this.frozen = new Promise((resolve) => {
      createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        if (line.startsWith('task ')) this.tasks.push(line.slice('task '.length));
        if (line.startsWith('frozen')) resolve(line);
      });
    });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#exited) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }
}

/** What was sent, and the checks that hold it against what is stored. */
export class Ledger {
  readonly adapters: Adapters;
  readonly #producer: EventProducer;
  readonly #accepted = new Map<string, Engagement>();
  readonly #bad: string[] = [];
  readonly #sittings = new Sittings(7);
  #next = 0;

  constructor(config: Config) {
    this.adapters = connect(config, 'test-ledger');
    this.#producer = new EventProducer(this.adapters);
  }

  close(): Promise<void> {
    return disconnect(this.adapters);
  }

  /** Sends so many new events, every tenth of them twice, with some bad ones among them; `as` changes each. */
  async send(count: number, withBad = false, as = (e: Engagement): Engagement => e): Promise<void> {
    const nowMs = Date.now();
    // Half of it is what simulated viewers do, half is of every kind and value that there is.
    const made = Array.from({ length: Math.ceil(count / 2) }, () => makeEngagement(this.#next++, 'run', nowMs));
    while (made.length < count) made.push(...this.#sittings.next(`run-${this.#next++}`, nowMs));
    const fresh = made.slice(0, count).map(as);
    for (const e of fresh) this.#accepted.set(e.eventId, e);
    const bad = withBad ? badEngagements(`run-${this.#next}`, nowMs) : [];
    this.#bad.push(...bad.map((b) => b.reason));
    for (let i = 0; i < fresh.length; i += 100) await this.#producer.send(engagement, fresh.slice(i, i + 100));
    await this.#producer.send(
      engagement,
      bad.map((b) => b.event),
    );
    await this.#producer.send(
      engagement,
      fresh.filter((_e, i) => i % 10 === 0),
    );
  }

  /** So many strangers whom an exposure pool showed a video, some of whom watched it to the end. */
  async sendShown(videoId: string, viewers: number, completed: number): Promise<number> {
    const nowMs = Date.now();
    const watches = Array.from({ length: viewers }, (_, i): Engagement => {
      const base = makeEngagement(this.#next++, 'run', nowMs);
      return {
        ...base,
        kind: 'watch',
        videoId,
        userId: `stranger-${i}`,
        reason: exposureReason,
        durationMs: 9_000,
        loops: 0,
        watchedMs: i < completed ? 9_000 : 2_500,
      };
    });
    for (const e of watches) this.#accepted.set(e.eventId, e);
    await this.#producer.send(engagement, watches);
    return watches.length;
  }

  /** The audit holds these decisions about a video, and the online state follows from them. */
  async expectDecisions(videoId: string, expected: readonly { pool: number; verdict: string; n: number }[]): Promise<void> {
    const { warehouse, online } = this.adapters;
    const stored = () =>
      warehouse.query(`SELECT pool, verdict, count() AS n FROM pool_decisions WHERE video_id = '${videoId}' GROUP BY pool, verdict ORDER BY pool`);
    await eventually('the pools have seen everything', async () => (await this.lag('exposure-pools')) === 0, 60_000);
    await eventually(
      'decisions have reached their tables',
      async () =>
        (await lagOf(this.adapters.log, 'pool-decisions-history', poolDecision.topic)) === 0 &&
        (await lagOf(this.adapters.log, 'pool-decisions-online', poolDecision.topic)) === 0,
      60_000,
    );
    expect(await stored()).toEqual(expected);
    const last = expected.at(-1);
    expect(poolStateOf((await online.values(videoPool, [videoId]))[0])).toEqual({ pool: last?.pool ?? 0, open: last?.verdict === 'advance' });
  }

  /** Counts an event that the test itself sends. */
  expectAlso(event: Engagement): void {
    this.#accepted.set(event.eventId, event);
  }

  lag(group: string): Promise<number> {
    return lagOf(this.adapters.log, group, engagement.topic);
  }

  async caughtUp(withinMs = 60_000): Promise<void> {
    await eventually(
      'both topologies have no lag',
      async () => (await this.lag('engagement-history')) === 0 && (await this.lag('engagement-online')) === 0,
      withinMs,
    );
  }

  /** I1: every acknowledged event is in ClickHouse exactly once, or a dead letter with its reason. */
  async expectHistory(): Promise<void> {
    const rows = await this.adapters.warehouse.query<{ event_id: string; n: number }>('SELECT event_id, count() AS n FROM engagements GROUP BY event_id');
    const stored = new Map(rows.map((r) => [r.event_id, r.n]));
    expect(
      [...stored].filter(([, n]) => n !== 1),
      'rows that count more than once',
    ).toEqual([]);
    expect(
      [...this.#accepted.keys()].filter((id) => !stored.has(id)),
      'events that are missing',
    ).toEqual([]);
    expect(
      [...stored.keys()].filter((id) => !this.#accepted.has(id)),
      'events that nobody sent',
    ).toEqual([]);
    const letters = await listDeadLetters(this.adapters.log);
    expect(letters.map((l) => l.reason).sort()).toEqual([...this.#bad].sort());
  }

  /** I2: every materialised view equals its recomputation. */
  async expectRollups(): Promise<void> {
    for (const rollup of historyTables.flatMap((t) => t.rollups)) {
      const sorted = (sql: string) => this.adapters.warehouse.query(`SELECT * FROM (${sql}) ORDER BY ALL`);
      expect(await sorted(rollup.read), rollup.name).toEqual(await sorted(rollup.select));
    }
  }

  /** I3: online features equal what the distinct events say. */
  async expectOnline(): Promise<void> {
    expect(await firstDifference(this.adapters.online, [...this.#accepted.values()], Date.now())).toBeNull();
  }

  /** I4: a committed offset is never ahead of its sink. */
  async expectNoCommitAhead(): Promise<void> {
    const { log, warehouse, online } = this.adapters;
    for (const { partition, offset } of await log.committedOf('engagement-online', engagement.topic)) {
      const marks = await online.watermarks({ group: 'engagement-online', topic: engagement.topic, partition });
      expect(Math.min(...marks.flat()), `watermarks of partition ${partition}`).toBeGreaterThanOrEqual(offset ?? 0);
    }
    for (const { partition, offset } of await log.committedOf('engagement-history', engagement.topic)) {
      const expected = await this.#acceptedBelow(partition, offset ?? 0);
      const [row] = await warehouse.query<{ n: number }>(
        `SELECT count() AS n FROM engagements WHERE log_partition = ${partition} AND log_offset < ${offset ?? 0}`,
      );
      expect(row?.n, `rows below the commit of partition ${partition}`).toBe(expected);
    }
  }

  /** Distinct good events of a partition below an offset, read from the log itself. */
  async #acceptedBelow(partition: number, to: number): Promise<number> {
    const ids = new Set<string>();
    await this.adapters.log.read(engagement.topic, partition, 0, to, (records) => {
      for (const { value } of records) {
        // The event id is the first field: its length as a zigzag varint, then its bytes.
        const length = value && value.length > 6 ? (value[5] as number) >> 1 : 0;
        ids.add(value?.toString('utf8', 6, 6 + length) ?? '');
      }
    });
    return [...ids].filter((id) => this.#accepted.has(id)).length;
  }

  async expectAll(): Promise<void> {
    await this.caughtUp();
    await this.expectHistory();
    await this.expectRollups();
    await this.expectOnline();
    await this.expectNoCommitAhead();
  }
}
