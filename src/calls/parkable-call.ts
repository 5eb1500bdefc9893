import { randomBytes } from 'node:crypto';
import {
  answerForLegacy,
  outcomeOfFault,
  questionForModern,
  type Answer,
  type JsonObject,
  type McpNotification,
  type Outcome,
  type Question,
  type RequestId,
} from '#lib/mcp-protocol';
import { CallReply, type PlainReply } from './call-replies.js';
import { INTERNAL_ERROR, MalformedAnswer } from './calls.errors.js';
import { QuestionWithdrawn, QuestionTimedOut } from '../session-pool/index.js';

/** What a client that answers by repeating its call is told in place of an outcome. */
export interface InputRequired {
  readonly kind: 'asked';
  /** By the keys under which their answers are expected. */
  readonly questions: Readonly<Record<string, Question>>;
  /** The call that waits for the answers. Absent: nothing waits, and with the answers the call is made anew. */
  readonly parked?: string;
}

/** How a request of such a client ends. */
export type CallResult = Outcome | InputRequired;

/** A request of the client that waits for what comes of the call: the first one, or a repetition. */
export interface CallWaiter {
  readonly reply: PlainReply;
  /** The request's own; progress goes back with it. */
  readonly progressToken: RequestId | undefined;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

/** What is told of a call to whoever counts calls. */
export interface ParkedCallRegistry {
  /** The call asks its client. @throws GatewayError when no more calls may wait for their clients */
  park(call: ParkableCall): void;
  onEnded(call: ParkableCall): void;
}

/** Who makes which call, for those who look after calls. */
export interface CallInfo {
  readonly server: string;
  readonly method: string;
  /** Own name of the tool or prompt, or URI of the resource. */
  readonly item: string;
  /** Key of the caller; nobody else goes on with the call. */
  readonly caller: string;
}

interface OpenQuestion {
  readonly question: Question;
  readonly answer: (answer: Answer) => void;
}

type RegisteredWaiter = CallWaiter & { readonly resolve: (ending: CallResult) => void };

/** Questions that a server asks at once arrive one after the other; so long is waited for the next one. */
const GATHER_WINDOW_MS = 20;

/**
 * One call to a server that asks in the middle of it, for a client that has no stream to be asked on: the client is told
 * the questions in place of an outcome, and comes back with the answers. Whoever comes back is told what happens next,
 * however often: answers that the server has are not given to it twice.
 */
export class ParkableCall extends CallReply {
  readonly id = randomBytes(16).toString('base64url');
  readonly begunAt = Date.now();
  private readonly openQuestions = new Map<string, OpenQuestion>();
  private readonly waiters = new Set<RegisteredWaiter>();
  private readonly control = new AbortController();
  private result: CallResult | undefined;
  private defect: { readonly cause: unknown } | undefined;
  private questionCount = 0;
  private hasReturnedQuestions = false;
  private gatherTimer: NodeJS.Timeout | undefined;
  private questionTimer: NodeJS.Timeout | undefined;

  /** `patienceMs`: how long a client may take to answer. */
  constructor(
    readonly info: CallInfo,
    private readonly registry: ParkedCallRegistry,
    private readonly questionTimeoutMs: number,
  ) {
    super();
  }

  /** Starts the call, and waits. Rejects as `run` does, unless the client was asked before. */
  async begin(
    run: (reply: CallReply, signal: AbortSignal) => Promise<CallResult>,
    listener: CallWaiter,
  ): Promise<CallResult> {
    run(this, this.control.signal).then(
      (ending) => this.end(ending),
      (cause: unknown) => {
        this.defect = { cause };
        this.end(INTERNAL_ERROR);
      },
    );
    const first = await this.waitForResult(listener);
    if (this.defect && first === INTERNAL_ERROR) throw this.defect.cause;
    return first;
  }

  /** How it ended, once it has. */
  get finalResult(): CallResult | undefined {
    return this.result;
  }

  /** Methods of the questions that are before the client. */
  get questions(): string[] {
    return Array.from(this.openQuestions.values(), ({ question }) => question.method);
  }

  /** Requests of the client that wait for it. */
  get waiting(): number {
    return this.waiters.size;
  }

  /** Resolves with what the client is to be told next. */
  waitForResult(listener: CallWaiter): Promise<CallResult> {
    if (this.result) return Promise.resolve(this.result);
    if (this.openQuestions.size > 0 && !this.gatherTimer) return Promise.resolve(this.toInputRequired());
    if (listener.signal.aborted) {
      this.abortIfUnattended();
      return Promise.resolve(outcomeOfFault('aborted'));
    }
    return new Promise((tell) => {
      const leave = () => {
        this.waiters.delete(waiting);
        tell(outcomeOfFault('aborted'));
        this.abortIfUnattended();
      };
      const resolve = (ending: CallResult) => {
        listener.signal.removeEventListener('abort', leave);
        tell(ending);
      };
      const waiting: RegisteredWaiter = { ...listener, resolve };
      this.waiters.add(waiting);
      listener.signal.addEventListener('abort', leave, { once: true });
    });
  }

  /**
   * Takes the client's answers. Those to questions that are not open (any more) are left alone; what is missing stays open.
   * @throws MalformedAnswer when one of them is no answer to its question; then none is given to the server
   */
  answer(responses: JsonObject): void {
    const given = Array.from(this.openQuestions).flatMap(([key, { question, answer }]) => {
      if (!Object.hasOwn(responses, key)) return [];
      const result = answerForLegacy(question.method, responses[key]);
      if (!result) throw new MalformedAnswer(key, question.method);
      return [{ key, give: () => answer({ result }) }];
    });
    for (const { key, give } of given) {
      this.openQuestions.delete(key);
      give();
    }
    if (given.length > 0) this.restartQuestionTimer();
  }

  /** Gives the call up at the server; whoever waits, or comes back, is told why. */
  cancel(outcome: Outcome): void {
    this.end(outcome);
    this.control.abort();
  }

  override notify({ method, params }: McpNotification): void | Promise<void> {
    // The newest request is the one that the client reads; the others may be connections that broke.
    const listener = Array.from(this.waiters).at(-1);
    if (!listener) return undefined;
    if (method !== 'notifications/progress') return listener.reply.notify({ method, params });
    const { progressToken } = listener;
    return progressToken === undefined
      ? undefined
      : listener.reply.notify({ method, params: { ...params, progressToken } });
  }

  override async answerQuestion(question: Question, signal: AbortSignal): Promise<Answer> {
    if (this.result || signal.aborted) throw new QuestionWithdrawn();
    this.registry.park(this);
    const key = `question-${(this.questionCount += 1)}`;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const abandon = () => reject(new QuestionWithdrawn());
    this.openQuestions.set(key, { question: questionForModern(question), answer: resolve });
    signal.addEventListener('abort', abandon, { once: true });
    this.gather();
    this.restartQuestionTimer();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', abandon);
      // False when it was answered: the server has withdrawn it, and the client's time with it.
      if (this.openQuestions.delete(key)) this.restartQuestionTimer();
    }
  }

  private gather(): void {
    clearTimeout(this.gatherTimer);
    this.gatherTimer = setTimeout(() => {
      this.gatherTimer = undefined;
      // The server may have thought better of it.
      if (this.openQuestions.size > 0) this.resolveWaiters(this.toInputRequired());
    }, GATHER_WINDOW_MS);
  }

  private toInputRequired(): InputRequired {
    this.hasReturnedQuestions = true;
    const questions = Array.from(this.openQuestions, ([key, { question }]) => [key, question] as const);
    return { kind: 'asked', questions: Object.fromEntries(questions), parked: this.id };
  }

  private resolveWaiters(ending: CallResult): void {
    const listeners = [...this.waiters];
    this.waiters.clear();
    for (const { resolve } of listeners) resolve(ending);
  }

  private restartQuestionTimer(): void {
    clearTimeout(this.questionTimer);
    if (this.openQuestions.size === 0 || this.result) return;
    const lapse = () => this.cancel(new QuestionTimedOut(this.questionTimeoutMs).toOutcome());
    this.questionTimer = setTimeout(lapse, this.questionTimeoutMs).unref();
  }

  /** Leaving is how a client of this era cancels, unless it has been asked something and may come back. */
  private abortIfUnattended(): void {
    const mayComeBack = this.hasReturnedQuestions && this.openQuestions.size > 0;
    if (this.waiters.size === 0 && !this.result && !mayComeBack) this.control.abort();
  }

  private end(ending: CallResult): void {
    if (this.result) return;
    this.result = ending;
    clearTimeout(this.gatherTimer);
    clearTimeout(this.questionTimer);
    this.openQuestions.clear();
    this.resolveWaiters(ending);
    this.registry.onEnded(this);
  }
}
