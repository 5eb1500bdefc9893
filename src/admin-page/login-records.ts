import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { toProblem } from '../admin/index.js';
import { AuditLog, describeCaller, describeSource } from '../audit/index.js';
import { refusedCallerOf } from '../auth/index.js';
import { ClientAddresses, ReceivedSource } from '../client-address/index.js';
import { LoginFailed } from '../page-sessions/index.js';

const UNAUTHORIZED = 401;

/** Records logins, refused logins and logouts in the audit log. */
@Injectable()
export class LoginRecords {
  constructor(
    private readonly log: AuditLog,
    private readonly addresses: ClientAddresses,
  ) {}

  recordDone(request: IncomingMessage, caller: Caller | undefined, status: number): void {
    this.log.record({ ...describeCaller(caller), ...this.describe(request), outcome: 'done', status });
  }

  recordRefused(request: IncomingMessage, cause: unknown, caller = refusedCallerOf(cause)): void {
    const { status = 500, detail } = toProblem(cause) ?? {};
    const reason = cause instanceof LoginFailed ? cause.message : (detail ?? 'internal error, see the log');
    this.log.recordRefusal({
      ...describeCaller(caller),
      ...this.describe(request),
      status: cause instanceof LoginFailed ? UNAUTHORIZED : status,
      reason,
    });
  }

  private describe(request: IncomingMessage): ReturnType<typeof describeSource> {
    return describeSource(new ReceivedSource(request, this.addresses));
  }
}
