import type { Answer, ClientProfile, Era, JsonObject, McpNotification, Question } from '#lib/mcp-protocol';
import type { ItemUse } from './access-policy.js';
import type { Caller } from './caller.js';
import { ContributionKind, type ContributionOptions } from './contribution.js';

/** The requests that interceptors see: those for one item of a server. */
export type InterceptedMethod = 'tools/call' | 'prompts/get' | 'resources/read' | 'completion/complete';

/** A question that an interceptor puts to the caller. */
export interface CallerQuestion {
  /**
   * Identifies the question within its interceptor and call. An interceptor that asks twice uses two keys. Default: `question`.
   */
  readonly key?: string;
  readonly message: string;
  /** Schema of the form, as in `elicitation/create`. Default: a form without fields, which the user accepts or declines. */
  readonly requestedSchema?: JsonObject;
  /** How long the caller may take to answer, in milliseconds, at most a day. Default: the gateway's time for questions. */
  readonly expiresAfterMs?: number;
}

/** The caller's answer to a question, as in the result of `elicitation/create`. */
export interface CallerAnswer {
  readonly action: 'accept' | 'decline' | 'cancel';
  readonly content?: JsonObject;
}

/** A question that an interceptor puts to the admins of the gateway. They also see the caller, the item and the arguments. */
export interface AdminQuestion {
  /**
   * Identifies the question within its interceptor and call. An interceptor that asks twice uses two keys. Default: `approval`.
   */
  readonly key?: string;
  /** Says why an admin is asked. It contains no arguments: every role that may list approvals reads it. */
  readonly message: string;
  /** How long admins may take to decide, in milliseconds, at most a day. Default: the gateway's time for questions. */
  readonly expiresAfterMs?: number;
}

/** What an admin decided about a call. */
export interface AdminDecision {
  readonly action: 'approve' | 'refuse';
  /** What the admin wrote for the caller. */
  readonly reason?: string;
}

/** One call of a client to one item of a server, as interceptors see it. The members are frozen. */
export interface InterceptedCall {
  /** The id that errors of the gateway report as `data.requestId`. */
  readonly requestId: string;
  readonly caller: Caller;
  /** `default`, or the slug of the server or virtual server at which the call arrived. */
  readonly endpoint: string;
  readonly client: ClientProfile & { readonly era: Era };
  readonly method: InterceptedMethod;
  /** The item under the name that its server knows, with the server. */
  readonly item: ItemUse;
  /**
   * Arguments of the tool or prompt; the parameters `argument` and `context` of a completion. Empty for a resource.
   */
  readonly arguments: JsonObject;
  /**
   * The definition of the tool or prompt as its server lists it, without `_meta` and icons. Undefined: no list has contained it
   * yet, or it is too long to be stored.
   */
  readonly definition: JsonObject | undefined;
  /** Aborted when the client cancels the call, and when the deadline of the interceptor has passed. */
  readonly signal: AbortSignal;
  /**
   * Asks the caller, in either era. A client of the modern era answers by repeating its request: the call then runs again up to
   * this point, at whichever worker receives it, and `ask` returns the answer. What precedes `ask` must bear repetition. The
   * answer is bound to the caller, the item and the arguments, is used once, and expires.
   *
   * @throws GatewayError if the client cannot answer questions. A question after the call was sent, or one whose time is no positive
   * number, is a fault of the interceptor.
   */
  ask(question: CallerQuestion): Promise<CallerAnswer>;
  /**
   * Waits for an admin, who decides over the admin API (`/admin/v1/approvals`), at whichever worker. It needs no support of the
   * client: a client of the modern era may have to repeat its request meanwhile, which runs the call again up to this point, so
   * what precedes `askAdmin` must bear repetition. The decision is bound to the caller, the item, the question and the arguments,
   * counts for one call, and expires. When the client leaves before, the decision counts for the same call, sent again in time.
   *
   * @throws GatewayError if nobody decides in time, or the decision cannot be stored
   */
  askAdmin(question: AdminQuestion): Promise<AdminDecision>;
}

/** What an interceptor changes before the call goes on. */
export interface CallChanges {
  /** Replaces the arguments. The schema of the tool, the policy and the mirrored headers are evaluated again. */
  readonly arguments?: JsonObject;
}

/**
 * Passes the call to the next interceptor, or to the server. May be called once. Resolves with the frozen result; rejects with the
 * failure of the call, an `OutcomeError`, which an interceptor that does not catch it leaves unchanged.
 */
export type NextCall = (changes?: CallChanges) => Promise<JsonObject>;

/**
 * Wraps the calls of clients, like an interceptor of Nest: it runs once for each request, at the worker that executes the call.
 * What is thrown refuses the call: a `GatewayError` with its code, anything else as -32603 with the name of the extension in the
 * record of the call. The gateway itself states truthfully whether the call was executed.
 */
export abstract class CallInterceptor {
  /**
   * Returns the result that the client receives: that of `next`, a changed one, or one of its own without calling `next`.
   */
  abstract intercept(call: InterceptedCall, next: NextCall): Promise<JsonObject>;

  /**
   * Sees what the server sends during the call, such as progress and log messages. Returns what the client receives, with the same
   * method and progress token; undefined drops it. What it throws cancels the call at the server and fails it.
   */
  onNotification?(call: InterceptedCall, notification: McpNotification): McpNotification | undefined;

  /**
   * Sees a question of the server to the client. Returns the answer for the server: that of `next`, which asks the client, a changed
   * one, or one of its own. What it throws cancels the call at the server and fails it; the client never sees the question.
   *
   * A client of the modern era receives a question of a modern server as the result of its call and answers by repeating it. There
   * `next` rejects after it has taken the question, and the answer goes to the server unseen: do not catch what `next` throws.
   */
  onQuestion?(
    call: InterceptedCall,
    question: Question,
    next: (question: Question) => Promise<Answer>,
  ): Promise<Answer>;
}

export interface InterceptorOptions extends ContributionOptions {
  /** Methods that the interceptor sees. Default: all. */
  readonly methods?: readonly InterceptedMethod[];
  /**
   * How long the interceptor itself may take, in milliseconds. The time in which the server works or the caller answers does not
   * count. A whole number from 1 to 2147483647. Default: the setting ISTHMUS_EXTENSION_DEADLINE_MS.
   */
  readonly deadlineMs?: number;
  /**
   * What happens to a call when the interceptor fails before `next`: the call is refused, or passes unchanged. Default: `refuse`.
   * A failure after `next` never repeats the call.
   */
  readonly onFailure?: 'refuse' | 'pass';
}

export const CALL_INTERCEPTORS = new ContributionKind<CallInterceptor, InterceptorOptions>(
  'InterceptsCalls',
  CallInterceptor,
);

/** Marks a `CallInterceptor`. */
export const InterceptsCalls = (options: InterceptorOptions = {}): ClassDecorator => CALL_INTERCEPTORS.mark(options);
