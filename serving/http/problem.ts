import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ForyouError } from '#infra/errors.ts';

/** An error as HTTP tells it: application/problem+json (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
}

const ProblemBody = Type.Object({ type: Type.String(), title: Type.String(), status: Type.Integer(), detail: Type.String(), instance: Type.String() });
/** What every route may answer instead. */
export const problems = { 400: ProblemBody, 401: ProblemBody, 403: ProblemBody, 404: ProblemBody, 409: ProblemBody, 413: ProblemBody, 429: ProblemBody };

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Conflict',
  413: 'Body too large',
  415: 'Unsupported media type',
  429: 'Too many requests',
  503: 'Unavailable',
};

export class HttpProblem extends Error {
  readonly statusCode: number;
  constructor(statusCode: number, detail: string) {
    super(detail);
    this.statusCode = statusCode;
  }
}

export function sendProblem(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void {
  const status = statusOf(error);
  // What went wrong inside stays inside; the request id finds it in the log.
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  const fix = error instanceof ForyouError && error.fix && status < 500 ? `; ${error.fix}` : '';
  const detail =
    status >= 500 ? (status === 503 ? 'the service cannot answer now; try again' : `something failed; request ${request.id}`) : `${error.message}${fix}`;
  const problem: Problem = {
    type: 'about:blank',
    title: titles[status] ?? (status >= 500 ? 'Internal error' : 'Request refused'),
    status,
    detail,
    instance: request.url.split('?')[0] ?? '',
  };
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  if (status === 503) reply.header('retry-after', '1');
  void reply.code(status).type('application/problem+json').send(problem);
}

function statusOf(error: FastifyError | Error): number {
  if (error instanceof ForyouError) return error.code === 'input-invalid' ? 400 : error.code === 'unavailable' ? 503 : 500;
  const { statusCode, validation } = error as FastifyError;
  return validation ? 400 : (statusCode ?? 500);
}
