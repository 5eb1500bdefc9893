import type { AdapterConnection, AdapterReply } from '#lib/extension-kit';
import {
  isJsonObject,
  type Answer,
  type JsonObject,
  type McpNotification,
  type Outcome,
  type Question,
} from '#lib/mcp-protocol';
import type { UpstreamReply, UpstreamRequest } from '../upstream-connection.js';
import { InFlightCall, type CallContext } from '../dialects/in-flight-call.js';
import { findUndeclaredCapability } from '../dialects/questions.js';
import { toThrownOutcome } from './adapter-fault.js';
import { toCheckedOutcome } from './checked-outcome.js';

/** Maximum number of questions of one call, as for other servers. */
const MAX_QUESTIONS = 64;

/** What surrounds the calls of one connection of an adapter. */
export interface ContributedCallHost {
  readonly context: CallContext;
  readonly maxMessageBytes: number;
  /** The call has its outcome. */
  ended(call: ContributedCall): void;
  /** The adapter has thrown. */
  failed(cause: unknown): void;
}

/**
 * A call that an adapter of an extension executes. It has exactly one outcome, whatever the adapter does: the first answer, a
 * cancellation by the caller, or the timeout. From the moment at which the adapter has the request, it may have been executed.
 */
export class ContributedCall extends InFlightCall implements AdapterReply {
  private readonly control = new AbortController();
  private readonly over = new AbortController();
  private questions = 0;
  private openQuestions = 0;

  constructor(
    id: number,
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
    private readonly host: ContributedCallHost,
  ) {
    super(id, request, reply, signal, host.context);
  }

  send(connection: AdapterConnection): void {
    const { method, params, progressToken, logLevel, client, asker } = this.request;
    const request = {
      method,
      params,
      client,
      ...(progressToken !== undefined && { progressToken }),
      ...(logLevel !== undefined && { logLevel }),
      ...(asker && { asker }),
    };
    void this.run(() => connection.request(request, this, this.control.signal));
  }

  private async run(send: () => Promise<Outcome>): Promise<void> {
    try {
      const outcome: unknown = await send();
      this.settle(toCheckedOutcome(outcome, this.server, this.host.maxMessageBytes));
    } catch (cause) {
      if (!this.settled) this.host.failed(cause);
      this.settle(toThrownOutcome(cause, 'lost'));
    }
  }

  notify(notification: McpNotification): void | Promise<void> {
    if (!isNotification(notification)) return;
    const { method } = notification;
    const params: JsonObject = isJsonObject(notification.params) ? notification.params : {};
    if (method === 'notifications/progress') return this.deliverProgress({ method, params });
    return this.deliver({ method, params });
  }

  override async answerQuestion(question: Question, signal: AbortSignal): Promise<Answer> {
    if (this.settled) throw new Error('The call is over; no question can be answered.');
    const { method, params } = question;
    const refusal = findUndeclaredCapability(method, params, this.request.client.capabilities);
    if (refusal?.needs) this.missingCapabilities(refusal.needs);
    if (refusal) throw new Error(`${refusal.message}.`);
    if (++this.questions > MAX_QUESTIONS) throw new Error(`A call asks at most ${MAX_QUESTIONS} questions.`);
    if (++this.openQuestions === 1) this.pauseTimeout();
    try {
      return await super.answerQuestion(question, AbortSignal.any([signal, this.control.signal, this.over.signal]));
    } finally {
      if (--this.openQuestions === 0) this.resumeTimeout();
    }
  }

  /** The adapter has the request, so the server may have it too. */
  protected override cancelUpstream(reason: string): boolean {
    this.control.abort(new DOMException(`${reason}.`, 'AbortError'));
    return true;
  }

  /** The adapter may have left a question open, which must not wait for its client any longer. */
  protected override released(): void {
    if (this.openQuestions > 0) this.over.abort(new DOMException('The call is over.', 'AbortError'));
    this.host.ended(this);
  }
}

function isNotification(value: unknown): value is McpNotification {
  return isJsonObject(value) && typeof value['method'] === 'string' && isJsonObject(value['params'] ?? {});
}
