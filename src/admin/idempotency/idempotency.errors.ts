import { HttpException } from '@nestjs/common';

/** Why a request is not executed: its key belongs to another request, or the request with its key has no stored response. */
export type ConflictKind = 'other-request' | 'running' | 'unknown' | 'too-many';

const REFUSALS: Readonly<Record<ConflictKind, { readonly status: number; readonly message: string }>> = {
  'other-request': {
    status: 422,
    message: 'The idempotency key was used for another request, or by a token with other rights. Choose another key.',
  },
  running: { status: 409, message: 'The request with this idempotency key is still in progress. Retry later.' },
  'too-many': {
    status: 429,
    message: 'You have used the maximum number of idempotency keys of one day (1,000). Retry later, or without a key.',
  },
  unknown: {
    status: 409,
    message:
      'The outcome of the request with this idempotency key is unknown. Read the current state, then choose another key.',
  },
};

/** A request is not executed because of its idempotency key. */
export class IdempotencyConflict extends HttpException {
  constructor(readonly kind: ConflictKind) {
    super(REFUSALS[kind].message, REFUSALS[kind].status);
  }
}
