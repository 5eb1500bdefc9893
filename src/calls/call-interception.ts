import { Injectable } from '@nestjs/common';
import type { Answer, ExecutionOutcome, JsonObject, McpNotification, Outcome, Question } from '#lib/mcp-protocol';
import type { UpstreamCall } from './upstream-call.js';

/** How a client that answers questions by repeating its call is asked. */
export interface ClientRepetition {
  /**
   * Returns the answer that the client has given, or undefined before it was asked. Answers are used once.
   * @throws GatewayError for an answer that cannot be used
   */
  answerTo(key: string): Promise<JsonObject | undefined>;
  /** Returns the id of what an earlier request waited for: the decision of somebody else than the client. */
  awaitedAs(key: string): string | undefined;
  /** Keeps a decision for the repetitions that follow, as if it were an answer of the client. */
  keepAnswer(key: string, answer: JsonObject): void;
  /** The answers to questions of the server that the request contains, by key, as the server will receive them. */
  readonly serverAnswers: ServerAnswers;
  /** Returns the outcome that makes the client repeat its request, and what the repetition carries. */
  ask(next: RequestedRepetition): Outcome;
}

/** Answers that a request contains for its server. Those for a parked call reach the handler of its questions instead. */
export interface ServerAnswers {
  readonly given: JsonObject;
  /** Lets the server receive these answers instead. */
  replace(answers: JsonObject): void;
}

/** What a request waits for that ends before it has arrived. */
export interface RequestedRepetition {
  /** Questions for the client. Empty: it need only repeat its request. */
  readonly questions: Readonly<Record<string, Question>>;
  /** Ids of what else the request waits for, by key. */
  readonly awaited: Readonly<Record<string, string>>;
  /** How long the repetition may take, in milliseconds. */
  readonly expiresAfterMs: number;
}

/** A call at the worker that executes it. */
export interface ExecutedCall {
  readonly call: UpstreamCall;
  /** Id of the endpoint at which the call arrived. */
  readonly endpoint: string;
  /** Aborted when the client cancels the call. */
  readonly signal: AbortSignal;
  /**
   * Whether the call has run at its server before this request, which continues it: `unknown` for a call that is parked, or whose
   * server has asked for input.
   */
  readonly begun: ExecutionOutcome;
  /** Asks a client that answers by repeating its call. */
  readonly repetition?: ClientRepetition;
  /** Asks the client on the stream of its call. Absent: the client has no stream on which it receives questions. */
  readonly askClient?: (question: Question, signal: AbortSignal) => Promise<Answer>;
  /** Sends a notification about the call to its client. Absent: the client has asked for none. */
  readonly notify?: (notification: McpNotification) => void;
}

/** Executes a call at its server. Aborting the signal cancels it there. */
export type ExecuteCall = (call: UpstreamCall, signal: AbortSignal) => Promise<Outcome>;

/**
 * Runs a call through the interceptors that see it, and returns what the client receives. A question for a client that answers by
 * repeating its call (`input_required`) is returned unchanged. Rejects only for a defect of the gateway.
 */
export type RunIntercepted = (executed: ExecutedCall, execute: ExecuteCall) => Promise<Outcome>;

/** Wraps the execution of calls at the worker that executes them, once for each request of a client. */
export abstract class CallInterception {
  /** Returns what wraps a call, or undefined when no interceptor sees it. Asked for every call, so it must cost nothing. */
  abstract find(call: UpstreamCall): RunIntercepted | undefined;
}

/** Delegates to the interception that a higher module binds, if there is one: only there are names, policies and schemas known. */
@Injectable()
export class DeferredInterception extends CallInterception {
  private interception: CallInterception | undefined;

  /** Delegates to the given interception from now on. */
  bind(interception: CallInterception): void {
    this.interception = interception;
  }

  override find(call: UpstreamCall): RunIntercepted | undefined {
    return this.interception?.find(call);
  }
}
