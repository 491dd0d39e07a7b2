import { ForyouError } from '#infra/errors.ts';

/** A cursor is a place in one session. It is opaque to clients: base64url of version, session and position. */
export function encodeCursor(sessionId: string, position: number): string {
  return Buffer.from(JSON.stringify([1, sessionId, position])).toString('base64url');
}

export function decodeCursor(cursor: string, sessionId: string): number {
  try {
    const [version, session, position] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [number, string, number];
    if (version === 1 && session === sessionId && Number.isInteger(position) && position >= 0) return position;
  } catch {
    // Falls through to the one error below.
  }
  throw new ForyouError('input-invalid', 'the cursor does not belong to this session', {
    fix: 'send the cursor of the last page together with its session_id',
  });
}
