import { randomBytes } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Principal } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { ArgumentViews } from '../audit/index.js';
import { GatewayEvents } from '../events/index.js';
import { stateAt, type Approval, type ApprovalRequest, type ApprovalState, type Decision } from './approval.js';
import { ApprovalStore } from './approval-store.js';
import { DecisionWaits } from './decision-waits.js';

/** A call about which admins are asked. */
export interface AskedCall {
  readonly requestId: string;
  readonly principal: Principal;
  readonly server: string;
  readonly method: string;
  readonly item: string;
  readonly arguments: JsonObject;
  readonly message: string;
  /** What else the approval is bound to, besides the principal, the item and the arguments. */
  readonly boundTo: readonly string[];
  /** Milliseconds. */
  readonly expiresAfterMs: number;
}

/** Random bytes of an id: several questions may belong to one request. */
const ID_BYTES = 9;

/** Calls that wait for the decision of an admin, at all workers. */
@Injectable()
export class Approvals implements OnApplicationShutdown {
  private readonly logger = new Logger('Approvals');
  private readonly waits: DecisionWaits;

  constructor(
    private readonly store: ApprovalStore,
    private readonly events: GatewayEvents,
    private readonly argumentViews: ArgumentViews,
    private readonly clock: Clock,
  ) {
    this.waits = new DecisionWaits(store, clock);
  }

  onApplicationShutdown(): void {
    this.waits.close();
  }

  /**
   * Returns the open approval of the same call, or asks the admins. An approval of an earlier request that no call has used counts.
   * @throws TooManyApprovals, CoordinationUnavailable
   */
  async request(asked: AskedCall): Promise<Approval> {
    const request = this.toRequest(asked);
    const approval = await this.store.open(request);
    if (approval.id === request.id) this.report(approval);
    return approval;
  }

  /** @throws CoordinationUnavailable */
  async find(id: string): Promise<Approval | undefined> {
    const [approval] = await this.store.find([id]);
    return approval;
  }

  /** All approvals that are kept. @throws CoordinationUnavailable */
  list(): Promise<readonly Approval[]> {
    return this.store.list();
  }

  stateOf(approval: Approval): ApprovalState {
    return stateAt(approval, this.clock.now());
  }

  /** How long the approval lasts, in milliseconds. */
  leftMs({ expiresAt }: Approval): number {
    return Math.max(0, expiresAt - this.clock.now());
  }

  /**
   * Waits until an admin has decided, at most so many milliseconds. Returns the approval as it is then, or undefined when it is not
   * kept any more.
   */
  wait(approval: Approval, waitMs: number, signal: AbortSignal): Promise<Approval | undefined> {
    return this.waits.wait(approval, waitMs, signal);
  }

  /** Uses up an approval. Returns false when another call has used it. @throws CoordinationUnavailable */
  use(approval: Approval): Promise<boolean> {
    return this.store.change(approval, 'used');
  }

  /** Decides about a pending approval. Returns it, or undefined if it is not pending any more. @throws CoordinationUnavailable */
  async decide(
    approval: Approval,
    to: 'approved' | 'refused',
    by: Principal,
    reason: string | undefined,
  ): Promise<Approval | undefined> {
    if (this.stateOf(approval) !== 'pending') return undefined;
    const decision: Decision = { by, at: this.clock.now(), ...(reason !== undefined && { reason }) };
    if (!(await this.store.change(approval, to, decision))) return undefined;
    const decided = { ...approval, state: to, decision };
    this.waits.settle(decided);
    this.logger.log(`Approval ${approval.id} of a call at server ${approval.server}: ${to}.`);
    return decided;
  }

  private toRequest({ boundTo, expiresAfterMs, arguments: args, ...asked }: AskedCall): ApprovalRequest {
    const { requestId, principal, server, method, item, message } = asked;
    const askedAt = this.clock.now();
    const { issuer, subject } = principal;
    return {
      id: `${requestId}.${randomBytes(ID_BYTES).toString('base64url')}`,
      call: this.argumentViews.digest([issuer, subject, server, method, item, message, [...boundTo], args]),
      requestId,
      principal: { issuer, subject },
      server,
      method,
      item,
      message,
      ...this.argumentViews.show(args),
      askedAt,
      expiresAt: askedAt + expiresAfterMs,
    };
  }

  private report({ id, server, method, item, principal, expiresAt, askedAt }: Approval): void {
    this.logger.log(`Approval ${id} was requested for a call at server ${server}.`);
    const isNamed = method === 'tools/call' || method === 'prompts/get';
    this.events.emit('approval.requested', {
      occurrence: id,
      quietMs: expiresAt - askedAt,
      data: {
        approval: id,
        server,
        method,
        ...(isNamed && { item }),
        principal: principal.issuer === '' ? principal.subject : `${principal.issuer}|${principal.subject}`,
        expiresAt,
      },
    });
  }
}
