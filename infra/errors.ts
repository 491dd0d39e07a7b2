/** Why something failed, as a closed list: callers switch on the code, never on a message. */
export type ErrorCode =
  | 'config-invalid'
  | 'unavailable'
  | 'stack-broken'
  | 'prerequisite-missing'
  | 'layout-mismatch'
  | 'schema-incompatible'
  | 'schema-unknown'
  | 'input-invalid'
  | 'artifact-refused'
  | 'media-refused'
  | 'fenced'
  | 'interrupted';

/** The one base class of expected failures; `fix` tells a person what to do about it. */
export class ForyouError extends Error {
  override readonly name = 'ForyouError';
  readonly code: ErrorCode;
  readonly fix: string | undefined;
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; fix?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fix = options.fix;
  }
}
