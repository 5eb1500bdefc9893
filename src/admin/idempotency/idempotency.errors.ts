import { HttpException } from '@nestjs/common';

/** The key does not stand for this request, or its request has no answer. */
export type ConflictKind = 'other-request' | 'running' | 'unknown';

const TOLD: Readonly<Record<ConflictKind, { readonly status: number; readonly message: string }>> = {
  'other-request': {
    status: 422,
    message:
      'The idempotency key stands for another request, or for one of a token with other rights. Choose another key.',
  },
  running: { status: 409, message: 'The request with this idempotency key is being carried out. Try again.' },
  unknown: {
    status: 409,
    message:
      'Whether the request with this idempotency key was carried out is not known. Look, then choose another key.',
  },
};

/** A request that is not carried out because of its idempotency key. */
export class IdempotencyConflict extends HttpException {
  constructor(readonly kind: ConflictKind) {
    super(TOLD[kind].message, TOLD[kind].status);
  }
}
