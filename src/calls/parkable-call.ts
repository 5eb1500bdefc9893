import { randomBytes } from 'node:crypto';
import {
  isUnknownQuestion,
  toLegacyAnswer,
  toFaultOutcome,
  toModernQuestion,
  type Answer,
  type JsonObject,
  type McpNotification,
  type Outcome,
  type Question,
  type RequestId,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { CallReply, QUESTIONS_UNSUPPORTED, type PlainReply } from './call-replies.js';
import { INTERNAL_ERROR, MalformedAnswer } from './calls.errors.js';
import { QuestionWithdrawn, QuestionTimedOut } from '../session-pool/index.js';

/** What a client that answers questions by repeating its call receives instead of an outcome. */
export interface InputRequired {
  readonly kind: 'asked';
  /** The questions, by the key under which the answer is expected. */
  readonly questions: Readonly<Record<string, Question>>;
  /** Id of the parked call that waits for the answers. Absent if none waits: the repetition is then a new call. */
  readonly parked?: string;
}

/** Result of a request of such a client. */
export type CallResult = Outcome | InputRequired;

/** A request of the client that waits for the result of the call: the first request or a repetition. */
export interface CallWaiter {
  readonly reply: PlainReply;
  /** The progress token of this request, which its progress notifications carry. */
  readonly progressToken: RequestId | undefined;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
}

/** Counts and lists parked calls. */
export interface ParkedCallRegistry {
  /** Parks a call that has a question for its client. @throws GatewayError if the limit of parked calls is reached */
  park(call: ParkableCall): void;
  onEnded(call: ParkableCall): void;
}

/** Describes a call for administrators. */
export interface CallInfo {
  readonly server: string;
  readonly method: string;
  /** The server's own name of the tool or prompt, or the URI of the resource. */
  readonly item: string;
  /** Key of the caller. Only this caller can resume the call. */
  readonly caller: string;
}

interface OpenQuestion {
  readonly question: Question;
  readonly answer: (answer: Answer) => void;
}

type RegisteredWaiter = CallWaiter & { readonly resolve: (result: CallResult) => void };

/** Time to wait for further questions, in milliseconds: simultaneous questions arrive one after the other. */
const GATHER_WINDOW_MS = 20;

/**
 * One call to a server that may send live questions, for a client without a stream to receive them on: the client
 * receives the questions instead of an outcome, and repeats the request with the answers. Every repetition receives the
 * next result; the server receives each answer only once.
 */
export class ParkableCall extends CallReply {
  readonly id = randomBytes(16).toString('base64url');
  readonly begunAt: number;
  private readonly openQuestions = new Map<string, OpenQuestion>();
  private readonly waiters = new Set<RegisteredWaiter>();
  private readonly control = new AbortController();
  private result: CallResult | undefined;
  private defect: { readonly cause: unknown } | undefined;
  private questionCount = 0;
  private hasReturnedQuestions = false;
  private cancelGather: (() => void) | undefined;
  private cancelQuestionTimer: (() => void) | undefined;

  /** @param questionTimeoutMs how long a client may take to answer, in milliseconds */
  constructor(
    readonly info: CallInfo,
    private readonly registry: ParkedCallRegistry,
    private readonly questionTimeoutMs: number,
    private readonly clock: Clock,
  ) {
    super();
    this.begunAt = clock.now();
  }

  /**
   * Starts the call and waits for its first result. Rejects as `run` does, unless the client has received questions
   * before.
   */
  async begin(
    run: (reply: CallReply, signal: AbortSignal) => Promise<CallResult>,
    waiter: CallWaiter,
  ): Promise<CallResult> {
    run(this, this.control.signal).then(
      (result) => this.end(result),
      (cause: unknown) => {
        this.defect = { cause };
        this.end(INTERNAL_ERROR);
      },
    );
    const first = await this.waitForResult(waiter);
    if (this.defect && first === INTERNAL_ERROR) throw this.defect.cause;
    return first;
  }

  /** The final result, once the call has ended. */
  get finalResult(): CallResult | undefined {
    return this.result;
  }

  /** Methods of the open questions. */
  get questions(): string[] {
    return Array.from(this.openQuestions.values(), ({ question }) => question.method);
  }

  /** Number of client requests that wait for the call. */
  get waiting(): number {
    return this.waiters.size;
  }

  /** Resolves with the next result for the client: questions or the outcome. */
  waitForResult(waiter: CallWaiter): Promise<CallResult> {
    if (this.result) return Promise.resolve(this.result);
    if (this.openQuestions.size > 0 && !this.cancelGather) return Promise.resolve(this.toInputRequired());
    if (waiter.signal.aborted) {
      this.abortIfUnattended();
      return Promise.resolve(toFaultOutcome('aborted'));
    }
    return new Promise((settle) => {
      const onAbort = () => {
        this.waiters.delete(waiting);
        settle(toFaultOutcome('aborted'));
        this.abortIfUnattended();
      };
      const resolve = (result: CallResult) => {
        waiter.signal.removeEventListener('abort', onAbort);
        settle(result);
      };
      const waiting: RegisteredWaiter = { ...waiter, resolve };
      this.waiters.add(waiting);
      waiter.signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /**
   * Delivers the client's answers to the server. Ignores answers to questions that are not open; unanswered questions
   * stay open.
   *
   * @throws MalformedAnswer if an answer does not fit its question; then the server receives none of them
   */
  answer(responses: JsonObject): void {
    const answers = Array.from(this.openQuestions).flatMap(([key, { question, answer }]) => {
      if (!Object.hasOwn(responses, key)) return [];
      const result = toLegacyAnswer(question.method, responses[key]);
      if (!result) throw new MalformedAnswer(key, question.method);
      return [{ key, deliver: () => answer({ result }) }];
    });
    for (const { key, deliver } of answers) {
      this.openQuestions.delete(key);
      deliver();
    }
    if (answers.length > 0) this.restartQuestionTimer();
  }

  /** Cancels the call at the server. Waiting and later requests receive the given outcome. */
  cancel(outcome: Outcome): void {
    this.end(outcome);
    this.control.abort();
  }

  override notify({ method, params }: McpNotification): void | Promise<void> {
    // The client reads its newest request; the connections of the others may be broken.
    const waiter = Array.from(this.waiters).at(-1);
    if (!waiter) return undefined;
    if (method !== 'notifications/progress') return waiter.reply.notify({ method, params });
    const { progressToken } = waiter;
    return progressToken === undefined
      ? undefined
      : waiter.reply.notify({ method, params: { ...params, progressToken } });
  }

  override async answerQuestion(question: Question, signal: AbortSignal): Promise<Answer> {
    // Only questions of the protocol have a form in which a client can answer them by repeating its call.
    if (isUnknownQuestion(question.method)) return QUESTIONS_UNSUPPORTED;
    if (this.result || signal.aborted) throw new QuestionWithdrawn();
    this.registry.park(this);
    const key = `question-${(this.questionCount += 1)}`;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const withdraw = () => reject(new QuestionWithdrawn());
    this.openQuestions.set(key, { question: toModernQuestion(question), answer: resolve });
    signal.addEventListener('abort', withdraw, { once: true });
    this.gather();
    this.restartQuestionTimer();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', withdraw);
      // Still open here means that the server withdrew the question; the timeout then restarts for the others.
      if (this.openQuestions.delete(key)) this.restartQuestionTimer();
    }
  }

  private gather(): void {
    this.cancelGather?.();
    this.cancelGather = this.clock.after(GATHER_WINDOW_MS, () => {
      this.cancelGather = undefined;
      // The server may have withdrawn the questions meanwhile.
      if (this.openQuestions.size > 0) this.resolveWaiters(this.toInputRequired());
    });
  }

  private toInputRequired(): InputRequired {
    this.hasReturnedQuestions = true;
    const questions = Array.from(this.openQuestions, ([key, { question }]) => [key, question] as const);
    return { kind: 'asked', questions: Object.fromEntries(questions), parked: this.id };
  }

  private resolveWaiters(result: CallResult): void {
    const listeners = [...this.waiters];
    this.waiters.clear();
    for (const { resolve } of listeners) resolve(result);
  }

  private restartQuestionTimer(): void {
    this.cancelQuestionTimer?.();
    if (this.openQuestions.size === 0 || this.result) return;
    const timeOut = () => this.cancel(new QuestionTimedOut(this.questionTimeoutMs).toOutcome());
    this.cancelQuestionTimer = this.clock.after(this.questionTimeoutMs, timeOut);
  }

  /** A modern client cancels by disconnecting, unless it has received questions and may return with the answers. */
  private abortIfUnattended(): void {
    const mayReturn = this.hasReturnedQuestions && this.openQuestions.size > 0;
    if (this.waiters.size === 0 && !this.result && !mayReturn) this.control.abort();
  }

  private end(result: CallResult): void {
    if (this.result) return;
    this.result = result;
    this.cancelGather?.();
    this.cancelQuestionTimer?.();
    this.openQuestions.clear();
    this.resolveWaiters(result);
    this.registry.onEnded(this);
  }
}
