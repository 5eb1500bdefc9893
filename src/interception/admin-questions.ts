import type { AdminDecision, AdminQuestion } from '#lib/extension-kit';
import { canRequireInput, type JsonObject } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { KEPT_MS, type Approval, type Approvals } from '../approvals/index.js';
import type { ClientRepetition, ExecutedCall } from '../calls/index.js';
import type { ServerItemUse } from '../gate/index.js';
import { identityOf } from '../registry/index.js';
import { ApprovalUsed, callCancelled, NotApproved } from './interception.errors.js';
import { readExpiryMs } from './question-expiry.js';
import { toQuestionKey, type Asker } from './question-key.js';
import { reportWaiting } from './waiting-progress.js';

const EXPIRED = 'nobody approved it in time';
/** Redis lost its data, or a gateway without Redis was restarted. */
const LOST = 'the gateway has lost what it asked the admins';
const DEFAULT_KEY = 'approval';

/** What questions to admins need. */
export interface AdminPorts {
  readonly approvals: Approvals;
  readonly clock: Clock;
  /** How long admins may take by default, in milliseconds. */
  readonly defaultExpiryMs: number;
  /** How long a request waits that its client can repeat, in milliseconds. */
  readonly repeatAfterMs: number;
}

/** The call about which interceptors ask admins. */
interface AdminSubject {
  readonly executed: ExecutedCall;
  readonly requestId: string;
  readonly item: ServerItemUse;
}

/** What the next request of the client must wait for again. */
export interface AwaitedApproval {
  readonly key: string;
  readonly id: string;
  /** How long the approval is known, in milliseconds. */
  readonly knownMs: number;
}

/** `pending`: nobody has decided yet. `used`: another call has used the approval. */
type Waited = AdminDecision | 'pending' | 'used';

/** The questions of the interceptors of one request to admins. */
export class AdminQuestions {
  constructor(
    private readonly subject: AdminSubject,
    private readonly ports: AdminPorts,
  ) {}

  /**
   * Returns the decision, or what the client must repeat its request for.
   * @param answerTo reads what a repeated request carries
   * @throws GatewayError if nobody decides in time, the client leaves, or decisions cannot be read
   */
  async ask(
    asker: Asker,
    question: AdminQuestion,
    signal: AbortSignal,
    answerTo: ClientRepetition['answerTo'],
  ): Promise<AdminDecision | AwaitedApproval> {
    const { call, repetition } = this.subject.executed;
    if (repetition && canRequireInput(call.request.method))
      return this.askByRepetition(asker, question, { ...repetition, answerTo }, signal);
    for (;;) {
      const approval = await this.request(asker, question);
      const waited = await this.wait(approval, this.ports.approvals.leftMs(approval), signal);
      if (waited === 'pending') throw new NotApproved(EXPIRED);
      if (waited !== 'used') return waited;
    }
  }

  private async askByRepetition(
    asker: Asker,
    question: AdminQuestion,
    repetition: ClientRepetition,
    signal: AbortSignal,
  ): Promise<AdminDecision | AwaitedApproval> {
    const { approvals } = this.ports;
    const key = toKey(asker, question);
    const kept = await repetition.answerTo(key);
    if (kept) return toDecision(kept);
    const awaited = repetition.awaitedAs(key);
    for (;;) {
      const approval = awaited === undefined ? await this.request(asker, question) : await approvals.find(awaited);
      if (!approval) throw new NotApproved(LOST);
      const waited = await this.wait(approval, this.ports.repeatAfterMs, signal);
      if (waited === 'pending') return { key, id: approval.id, knownMs: approvals.leftMs(approval) + KEPT_MS };
      if (waited !== 'used') {
        repetition.keepAnswer(key, toAnswer(waited));
        return waited;
      }
      if (awaited !== undefined) throw new ApprovalUsed();
    }
  }

  private request({ args, interceptor }: Asker, question: AdminQuestion): Promise<Approval> {
    const { requestId, item, executed } = this.subject;
    const { call, endpoint } = executed;
    const { expiresAfterMs, message, key = DEFAULT_KEY } = question;
    return this.ports.approvals.request({
      requestId,
      principal: call.caller.principal,
      server: item.server.slug,
      method: call.request.method,
      item: item.name,
      arguments: args,
      message,
      boundTo: [endpoint, identityOf(item.server), interceptor.module, interceptor.name, key],
      expiresAfterMs: readExpiryMs(expiresAfterMs, this.ports.defaultExpiryMs),
    });
  }

  /** @throws NotApproved, OutcomeError when the client leaves */
  private async wait(approval: Approval, waitMs: number, signal: AbortSignal): Promise<Waited> {
    const { approvals, clock } = this.ports;
    const leftMs = () => approvals.leftMs(approval);
    const isPending = approvals.stateOf(approval) === 'pending';
    const stopReports = isPending ? reportWaiting(this.subject.executed, leftMs, clock) : undefined;
    const decided = await approvals.wait(approval, Math.min(waitMs, leftMs()), signal).finally(stopReports);
    if (signal.aborted) throw callCancelled(this.subject.executed.begun);
    if (!decided) throw new NotApproved(LOST);
    switch (approvals.stateOf(decided)) {
      case 'approved':
        return (await approvals.use(decided)) ? { action: 'approve', ...reasonOf(decided) } : 'used';
      case 'refused':
        return { action: 'refuse', ...reasonOf(decided) };
      case 'expired':
        throw new NotApproved(EXPIRED);
      case 'pending':
      case 'used':
        return decided.state === 'used' ? 'used' : 'pending';
    }
  }
}

/** No question to a caller has such a key: its digest covers another form. */
const toKey = (asker: Asker, { key = DEFAULT_KEY, message }: AdminQuestion): string =>
  toQuestionKey(asker, key, { admin: message });

const reasonOf = ({ decision }: Approval) => decision?.reason !== undefined && { reason: decision.reason };

/** A decision in the form of an answer of the client, in which it travels in the request state. */
const toAnswer = ({ action, reason }: AdminDecision): JsonObject => ({
  action: action === 'approve' ? 'accept' : 'decline',
  ...(reason !== undefined && { content: { reason } }),
});

function toDecision({ action, content }: JsonObject): AdminDecision {
  const { reason } = (content ?? {}) as JsonObject;
  return {
    action: action === 'accept' ? 'approve' : 'refuse',
    ...(typeof reason === 'string' && { reason }),
  };
}
