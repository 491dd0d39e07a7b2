import type { SessionState, SessionStore } from './sessions.ts';

export class MemorySessions implements SessionStore {
  readonly #sessions = new Map<string, { next: number; served: Set<string>; pages: Map<number, string> }>();

  async load(key: string): Promise<SessionState> {
    const found = this.#sessions.get(key);
    return { next: found?.next ?? 0, served: new Set(found?.served) };
  }
  async page(key: string, position: number): Promise<string | null> {
    return this.#sessions.get(key)?.pages.get(position) ?? null;
  }
  async append(key: string, position: number, page: string, ids: readonly string[]): Promise<string | null> {
    const session = this.#sessions.get(key) ?? { next: 0, served: new Set<string>(), pages: new Map<number, string>() };
    const made = session.pages.get(position);
    if (made !== undefined) return made;
    session.pages.set(position, page);
    session.next = position + ids.length;
    for (const id of ids) session.served.add(id);
    this.#sessions.set(key, session);
    return null;
  }
}
