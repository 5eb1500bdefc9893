import {
  isUnknownQuestion,
  RpcCode,
  toListFlag,
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
import { isOwn } from '../../gateway-identity.js';
import { findUndeclaredCapability, type UndeclaredCapability } from '../questions.js';
import type { CancelledCalls } from '../cancelled-calls.js';
import type { LegacyCall } from './legacy-call.js';

/** Implemented by the connection: receives the messages that the inbox has classified. */
export interface InboxHost {
  readonly client: ClientProfile;
  readonly cancelledCalls: CancelledCalls;
  /** True when the server has no other stream for changes than those of calls. */
  readonly announcesOnCalls: boolean;
  /** True if requests that the gateway does not know may reach clients. */
  readonly passesUnknown: boolean;
  /** Sends the answer to a server's request. `call` is abandoned when the answer cannot be delivered. */
  sendAnswer(message: JsonObject, call?: LegacyCall): void;
  /** A list or a resource changed. */
  changed(notification: McpNotification): void;
  /** A notification that belongs to no call. */
  uncorrelatedNotification(notification: McpNotification): void;
  /** A question may belong to no call. Returns undefined if it is unknown which client is meant, beside that of the call. */
  unsolicitedQuestion(question: Question, signal: AbortSignal, call?: LegacyCall): Promise<Answer> | undefined;
  /** A question arrived on a channel that does not identify its call. */
  uncorrelatedQuestion(): void;
  /** A question could belong to the running call or to a cancelled call of another principal. */
  ambiguousQuestion(): void;
}

/** A question that waits for its answer. Without a call it belongs to the client itself. */
interface OpenQuestion {
  readonly control: AbortController;
  readonly call?: LegacyCall;
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
  private questions: Map<RequestId, OpenQuestion> | undefined;

  constructor(private readonly host: InboxHost) {}

  add(call: LegacyCall): void {
    this.calls.set(call.id, call);
  }

  remove(call: LegacyCall): void {
    this.calls.delete(call.id);
  }

  find(id: JsonValue | undefined): LegacyCall | undefined {
    return typeof id === 'number' ? this.calls.get(id) : undefined;
  }

  get inFlight(): LegacyCall[] {
    return [...this.calls.values()];
  }

  /** The calls in flight without the gateway's own requests, such as pings. */
  private get clientCalls(): LegacyCall[] {
    return this.inFlight.filter(({ request }) => !isOwn(request));
  }

  /** The questions of a call are withdrawn when it ends, which may be later than its session. */
  withdrawUnsolicitedQuestions(): void {
    for (const { control, call } of this.questions?.values() ?? []) if (call === undefined) control.abort();
  }

  /**
   * `own` is the call on whose stream the request arrived. Without it, the only call that accepts questions is meant, or
   * the client itself if there is no such call or the question is one for roots.
   */
  request(message: JsonRpcRequest, own?: LegacyCall): void {
    if (message.method === 'ping') return this.host.sendAnswer({ jsonrpc: '2.0', id: message.id, result: {} });
    if (this.host.passesUnknown && isUnknownQuestion(message.method)) return this.unknownRequest(message, own);
    const params = message.params ?? {};
    const refusal = findUndeclaredCapability(message.method, params, this.host.client.capabilities);
    const call = own ?? this.onlyCallAcceptingQuestions();
    if (refusal !== undefined) {
      if (refusal.needs) call?.missingCapabilities(refusal.needs);
      return this.rejectQuestion(message.id, REJECTION_CODES[refusal.what], toRejectionText(refusal));
    }
    if (this.questions?.has(message.id))
      return this.rejectQuestion(message.id, RpcCode.invalidRequest, 'The id is in use');
    const question: Question = { method: message.method, params };
    // Servers read roots when they need them, also while they run an unrelated call, which may end before the answer.
    const isUnsolicited = own === undefined && (call === undefined || question.method === 'roots/list');
    if (isUnsolicited && this.forwardUnsolicited(message.id, question, call)) return;
    if (own === undefined) this.host.uncorrelatedQuestion();
    if (call === undefined)
      return this.rejectQuestion(message.id, RpcCode.invalidRequest, 'The question belongs to no request');
    if (own === undefined && this.mayBelongToOthers(call)) {
      this.host.ambiguousQuestion();
      return this.rejectQuestion(
        message.id,
        RpcCode.invalidRequest,
        'The question may belong to a request that was cancelled',
      );
    }
    void this.forwardQuestion(call, message.id, question);
  }

  /**
   * Passes a request on that the gateway does not know. It need not belong to a call: on a stream that does not identify calls
   * it goes to the client itself, if only one can be meant.
   */
  private unknownRequest({ id, method, params = {} }: JsonRpcRequest, own?: LegacyCall): void {
    if (this.questions?.has(id)) return this.rejectQuestion(id, RpcCode.invalidRequest, 'The id is in use');
    if (own?.acceptsUnknown === false) return this.rejectQuestion(id, RpcCode.methodNotFound, 'Method not found');
    const question: Question = { method, params };
    if (own !== undefined) return void this.forwardQuestion(own, id, question);
    if (this.forwardUnsolicited(id, question, this.onlySentCall())) return;
    this.rejectQuestion(id, RpcCode.invalidRequest, 'It is unknown for which client the request is meant');
  }

  notification(message: JsonRpcNotification, own?: LegacyCall): void | Promise<void> {
    const notification: McpNotification = { method: message.method, params: message.params ?? {} };
    const { method, params } = notification;
    if (method === 'notifications/progress') return this.find(params['progressToken'])?.deliverProgress(notification);
    if (method === 'notifications/cancelled') return this.cancelQuestion(params['requestId']);
    if (CHANGES.has(method)) {
      this.host.changed(notification);
      return this.host.announcesOnCalls && toListFlag(method) ? own?.deliver(notification) : undefined;
    }
    if (method === 'notifications/message') {
      const call = own ?? this.onlyCallWithLogging();
      return call === undefined ? this.host.uncorrelatedNotification(notification) : call.deliver(notification);
    }
    return own === undefined ? this.host.uncorrelatedNotification(notification) : own.deliver(notification);
  }

  /** Returns false if it is unknown which client is meant. */
  private forwardUnsolicited(id: RequestId, question: Question, call: LegacyCall | undefined): boolean {
    const control = new AbortController();
    const pending = this.host.unsolicitedQuestion(question, control.signal, call);
    if (pending !== undefined) void this.answerUnsolicited(id, pending, control);
    return pending !== undefined;
  }

  private async answerUnsolicited(id: RequestId, pending: Promise<Answer>, control: AbortController): Promise<void> {
    const answer = await this.untilAnswered(id, { control }, pending);
    // A server that cancelled its question expects no answer.
    if (!control.signal.aborted) this.host.sendAnswer({ jsonrpc: '2.0', id, ...answer } as JsonObject);
  }

  private async forwardQuestion(call: LegacyCall, id: RequestId, question: Question): Promise<void> {
    const control = new AbortController();
    const pending = call.forwardQuestion(question, control);
    if (pending === undefined)
      return this.rejectQuestion(id, RpcCode.invalidRequest, 'The call accepts no further question');
    const answer = await this.untilAnswered(id, { control, call }, pending);
    if (!control.signal.aborted) return this.host.sendAnswer({ jsonrpc: '2.0', id, ...answer } as JsonObject, call);
    // A server that cancelled its question expects no answer.
    if (!call.settled) return;
    // A rejection that overtakes the call's cancellation would look like a failed question.
    await call.cancelled;
    this.rejectQuestion(id, RpcCode.internalError, 'The call to which the question belongs has ended');
  }

  private async untilAnswered(id: RequestId, question: OpenQuestion, pending: Promise<Answer>): Promise<Answer> {
    const questions = (this.questions ??= new Map());
    questions.set(id, question);
    const answer = await pending.catch(() => NO_ANSWER);
    questions.delete(id);
    return answer;
  }

  private cancelQuestion(id: JsonValue | undefined): void {
    if (typeof id === 'string' || typeof id === 'number') this.questions?.get(id)?.control.abort();
  }

  private onlyCallAcceptingQuestions(): LegacyCall | undefined {
    return only(this.inFlight.filter((call) => call.acceptsQuestions && call.transport?.sent === true));
  }

  private onlySentCall(): LegacyCall | undefined {
    return only(this.clientCalls.filter(({ transport }) => transport?.sent === true));
  }

  private onlyCallWithLogging(): LegacyCall | undefined {
    const call = only(this.clientCalls);
    return call?.request.logLevel === undefined || this.mayBelongToOthers(call) ? undefined : call;
  }

  private mayBelongToOthers(call: LegacyCall): boolean {
    return this.host.cancelledCalls.mayBelongToOthers(call.request.asker);
  }

  private rejectQuestion(id: RequestId, code: number, message: string): void {
    this.host.sendAnswer({ jsonrpc: '2.0', id, error: { code, message } });
  }
}

const REJECTION_CODES = { method: RpcCode.methodNotFound, params: RpcCode.invalidParams } as const;

/** Some servers and clients recognize an unsupported method by the standard text of its error. */
const toRejectionText = ({ what, message, needs }: UndeclaredCapability): string =>
  what === 'method' && needs ? `Method not found: ${message}` : message;

const NO_ANSWER: Answer = { error: { code: RpcCode.internalError, message: 'The client gave no answer' } };

const only = <T>(items: readonly T[]): T | undefined => (items.length === 1 ? items[0] : undefined);
