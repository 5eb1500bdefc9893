import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import type { Outcome } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { Approvals, ApprovalsConfig } from '../approvals/index.js';
import type { CallInterception, ExecuteCall, ExecutedCall, RunIntercepted, UpstreamCall } from '../calls/index.js';
import { Readmission } from '../dispatch/index.js';
import { ExtensionsConfig } from '../extensions/index.js';
import { SessionPoolConfig } from '../session-pool/index.js';
import { CallInterceptors, type RegisteredInterceptor } from './call-interceptors.js';
import { InterceptedExecution, type ExecutionParts } from './intercepted-execution.js';

/** Passes calls through the interceptors, at the worker that executes them. */
@Injectable()
export class Interception implements CallInterception {
  private readonly parts: ExecutionParts;

  constructor(
    private readonly interceptors: CallInterceptors,
    private readonly readmission: Readmission,
    clock: Clock,
    config: ExtensionsConfig,
    approvals: Approvals,
    { questionTimeoutMs: defaultExpiryMs }: SessionPoolConfig,
    { approvalWaitMs: repeatAfterMs }: ApprovalsConfig,
  ) {
    const admins = { approvals, clock, defaultExpiryMs, repeatAfterMs };
    this.parts = { clock, readmission, deadlineMs: config.extensionDeadlineMs, admins };
  }

  find(call: UpstreamCall): RunIntercepted | undefined {
    const interceptors = this.interceptors.of(call);
    return interceptors.length === 0 ? undefined : (executed, execute) => this.run(interceptors, executed, execute);
  }

  /** Waits for nothing that is known already: every intercepted call passes here. */
  private async run(
    interceptors: readonly RegisteredInterceptor[],
    executed: ExecutedCall,
    execute: ExecuteCall,
  ): Promise<Outcome> {
    const { call } = executed;
    try {
      const item = this.readmission.describe(executed);
      const found = this.readmission.definitionOf(call);
      const definition = found instanceof Promise ? await found : found;
      const requestId = call.progress?.requestId ?? randomUUID();
      const subject = { executed, requestId, item, definition };
      return await new InterceptedExecution(this.parts, interceptors, subject, execute).run();
    } catch (cause) {
      if (cause instanceof GatewayError) return cause.toOutcome();
      throw cause;
    }
  }
}
