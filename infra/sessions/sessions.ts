/** What a feed session has shown: pages that never change once made, and all their ids. */
export interface SessionStore {
  load(key: string): Promise<SessionState>;
  /** The page that begins at `position`, if it was made. */
  page(key: string, position: number): Promise<string | null>;
  /**
   * Stores the page at `position`, and returns null; where there is one already, that one stands and is returned,
   * so that two requests with one cursor get one answer.
   */
  append(key: string, position: number, page: string, ids: readonly string[]): Promise<string | null>;
}
export interface SessionState {
  /** Position of the next item. */
  readonly next: number;
  readonly served: ReadonlySet<string>;
}
/** A session that nobody touched for so long is forgotten. */
export const sessionTtlSeconds = 6 * 3600;
