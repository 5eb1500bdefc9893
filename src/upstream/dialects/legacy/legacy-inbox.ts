import {
  RpcCode,
  type Answer,
  type ClientProfile,
  type JsonObject,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonValue,
  type McpNotification,
  type Question,
  type RequestId,
} from '#lib/mcp-protocol';
import { undeclared } from '../questions.js';
import type { WithdrawnCalls } from '../withdrawn-calls.js';
import type { LegacyCall } from './legacy-call.js';

/** Implemented by the connection: receives the messages that the inbox has classified. */
export interface InboxOwner {
  readonly client: ClientProfile;
  readonly withdrawnCalls: WithdrawnCalls;
  /** Sends the answer to a server's request. `call` is abandoned when the answer cannot be delivered. */
  answer(message: JsonObject, call?: LegacyCall): void;
  /** A list or a resource changed. */
  changed(notification: McpNotification): void;
  /** A notification that belongs to no call. */
  unrelated(notification: McpNotification): void;
  /** A question arrived on a channel that does not identify its call. */
  askedWithoutRelation(): void;
  /** A question could belong to the running call or to a cancelled call of another principal. */
  doubted(): void;
}

const CHANGES: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
]);

/** Classifies the unsolicited messages of a legacy server and finds the calls to which they belong. */
export class LegacyInbox {
  private readonly calls = new Map<RequestId, LegacyCall>();
  private questions: Map<RequestId, AbortController> | undefined;

  constructor(private readonly owner: InboxOwner) {}

  add(call: LegacyCall): void {
    this.calls.set(call.id, call);
  }

  remove(call: LegacyCall): void {
    this.calls.delete(call.id);
  }

  find(id: JsonValue | undefined): LegacyCall | undefined {
    return typeof id === 'number' ? this.calls.get(id) : undefined;
  }

  get running(): LegacyCall[] {
    return [...this.calls.values()];
  }

  /**
   * `own` is the call on whose stream the request arrived. Without it, the only call that accepts questions is meant.
   */
  request(message: JsonRpcRequest, own?: LegacyCall): void {
    if (message.method === 'ping') return this.owner.answer({ jsonrpc: '2.0', id: message.id, result: {} });
    const params = message.params ?? {};
    const refusal = undeclared(message.method, params, this.owner.client.capabilities);
    if (refusal === undefined && own === undefined) this.owner.askedWithoutRelation();
    const call = own ?? this.onlyCallThatMayAsk();
    if (refusal !== undefined) {
      if (refusal.needs) call?.lacks(refusal.needs);
      return this.refuse(message.id, CODE_OF[refusal.what], refusal.message);
    }
    if (this.questions?.has(message.id)) return this.refuse(message.id, RpcCode.invalidRequest, 'The id is in use');
    if (call === undefined)
      return this.refuse(message.id, RpcCode.invalidRequest, 'The question belongs to no request');
    if (own === undefined && this.mayBeOfOthersThan(call)) {
      this.owner.doubted();
      return this.refuse(message.id, RpcCode.invalidRequest, 'The question may belong to a request that was cancelled');
    }
    void this.ask(call, message.id, { method: message.method, params });
  }

  notification(message: JsonRpcNotification, own?: LegacyCall): void | Promise<void> {
    const notification: McpNotification = { method: message.method, params: message.params ?? {} };
    const { method, params } = notification;
    if (method === 'notifications/progress') return this.find(params['progressToken'])?.deliverProgress(notification);
    if (method === 'notifications/cancelled') return this.withdraw(params['requestId']);
    if (CHANGES.has(method)) return this.owner.changed(notification);
    if (method === 'notifications/message') {
      const call = own ?? this.onlyCallThatLogs();
      return call === undefined ? this.owner.unrelated(notification) : call.deliver(notification);
    }
    if (own === undefined || method === 'notifications/elicitation/complete') return this.owner.unrelated(notification);
    return own.deliver(notification);
  }

  private async ask(call: LegacyCall, id: RequestId, question: Question): Promise<void> {
    const control = new AbortController();
    const pending = call.question(question, control);
    if (pending === undefined) return this.refuse(id, RpcCode.invalidRequest, 'The call accepts no further question');
    this.questions ??= new Map();
    this.questions.set(id, control);
    const answer: Answer = await pending.catch(() => NO_ANSWER);
    this.questions.delete(id);
    if (!control.signal.aborted) return this.owner.answer({ jsonrpc: '2.0', id, ...answer } as JsonObject, call);
    // A server that cancelled its question expects no answer.
    if (!call.settled) return;
    // A rejection that overtakes the call's cancellation would look like a failed question.
    await call.cancelled;
    this.refuse(id, RpcCode.internalError, 'The call to which the question belongs has ended');
  }

  private withdraw(id: JsonValue | undefined): void {
    if (typeof id === 'string' || typeof id === 'number') this.questions?.get(id)?.abort();
  }

  private onlyCallThatMayAsk(): LegacyCall | undefined {
    return only(this.running.filter((call) => call.mayAsk && call.carriage?.sent === true));
  }

  private onlyCallThatLogs(): LegacyCall | undefined {
    const call = only(this.running);
    return call?.request.logLevel === undefined || this.mayBeOfOthersThan(call) ? undefined : call;
  }

  private mayBeOfOthersThan(call: LegacyCall): boolean {
    return this.owner.withdrawnCalls.mayConcernOthersThan(call.request.asker);
  }

  private refuse(id: RequestId, code: number, message: string): void {
    this.owner.answer({ jsonrpc: '2.0', id, error: { code, message } });
  }
}

const CODE_OF = { method: RpcCode.methodNotFound, params: RpcCode.invalidParams } as const;

const NO_ANSWER: Answer = { error: { code: RpcCode.internalError, message: 'The client gave no answer' } };

const only = <T>(items: readonly T[]): T | undefined => (items.length === 1 ? items[0] : undefined);
