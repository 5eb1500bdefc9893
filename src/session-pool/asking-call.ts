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
import { INTERNAL_ERROR, MalformedAnswer, QuestionAbandoned, QuestionUnanswered } from './session-pool.errors.js';

/** What a client that answers questions by repeating its call receives instead of an outcome. */
export interface Asked {
  readonly kind: 'asked';
  /** The questions, by the key under which the answer is expected. */
  readonly questions: Readonly<Record<string, Question>>;
  /** Id of the parked call that waits for the answers. Absent if none waits: the repetition is then a new call. */
  readonly parked?: string;
}

/** Result of a request of such a client. */
export type Ending = Outcome | Asked;

/** A request of the client that waits for the result of the call: the first request or a repetition. */
export interface Listener {
  readonly reply: PlainReply;
  /** The progress token of this request, which its progress notifications carry. */
  readonly progressToken: RequestId | undefined;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
}

/** Counts and lists parked calls. */
export interface CallKeeper {
  /** Parks a call that has a question for its client. @throws GatewayError if the limit of parked calls is reached */
  park(call: AskingCall): void;
  ended(call: AskingCall): void;
}

/** Describes a call for administrators. */
export interface CallNote {
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

type Waiting = Listener & { readonly resolve: (ending: Ending) => void };

/** Time to wait for further questions, in milliseconds: simultaneous questions arrive one after the other. */
const GATHERING_MS = 20;

/**
 * One call to a server that may send live questions, for a client without a stream to receive them on: the client
 * receives the questions instead of an outcome, and repeats the request with the answers. Every repetition receives the
 * next result; the server receives each answer only once.
 */
export class AskingCall extends CallReply {
  readonly id = randomBytes(16).toString('base64url');
  readonly begunAt = Date.now();
  private readonly open = new Map<string, OpenQuestion>();
  private readonly listeners = new Set<Waiting>();
  private readonly control = new AbortController();
  private ending: Ending | undefined;
  private defect: { readonly cause: unknown } | undefined;
  private asked = 0;
  private wasTold = false;
  private gathering: NodeJS.Timeout | undefined;
  private patience: NodeJS.Timeout | undefined;

  /** @param questionTimeoutMs how long a client may take to answer, in milliseconds */
  constructor(
    readonly note: CallNote,
    private readonly keeper: CallKeeper,
    private readonly patienceMs: number,
  ) {
    super();
  }

  /**
   * Starts the call and waits for its first result. Rejects as `run` does, unless the client has received questions
   * before.
   */
  async begin(run: (reply: CallReply, signal: AbortSignal) => Promise<Ending>, listener: Listener): Promise<Ending> {
    run(this, this.control.signal).then(
      (ending) => this.end(ending),
      (cause: unknown) => {
        this.defect = { cause };
        this.end(INTERNAL_ERROR);
      },
    );
    const first = await this.attend(listener);
    if (this.defect && first === INTERNAL_ERROR) throw this.defect.cause;
    return first;
  }

  /** The final result, once the call has ended. */
  get kept(): Ending | undefined {
    return this.ending;
  }

  /** Methods of the open questions. */
  get questions(): string[] {
    return Array.from(this.open.values(), ({ question }) => question.method);
  }

  /** Number of client requests that wait for the call. */
  get waiting(): number {
    return this.listeners.size;
  }

  /** Resolves with the next result for the client: questions or the outcome. */
  attend(listener: Listener): Promise<Ending> {
    if (this.ending) return Promise.resolve(this.ending);
    if (this.open.size > 0 && !this.gathering) return Promise.resolve(this.questionsNow());
    if (listener.signal.aborted) {
      this.stopIfUnheard();
      return Promise.resolve(outcomeOfFault('aborted'));
    }
    return new Promise((tell) => {
      const leave = () => {
        this.listeners.delete(waiting);
        tell(outcomeOfFault('aborted'));
        this.stopIfUnheard();
      };
      const resolve = (ending: Ending) => {
        listener.signal.removeEventListener('abort', leave);
        tell(ending);
      };
      const waiting: Waiting = { ...listener, resolve };
      this.listeners.add(waiting);
      listener.signal.addEventListener('abort', leave, { once: true });
    });
  }

  /**
   * Delivers the client's answers to the server. Ignores answers to questions that are not open; unanswered questions
   * stay open.
   *
   * @throws MalformedAnswer if an answer does not fit its question; then the server receives none of them
   */
  answer(responses: JsonObject): void {
    const given = Array.from(this.open).flatMap(([key, { question, answer }]) => {
      if (!Object.hasOwn(responses, key)) return [];
      const result = answerForLegacy(question.method, responses[key]);
      if (!result) throw new MalformedAnswer(key, question.method);
      return [{ key, give: () => answer({ result }) }];
    });
    for (const { key, give } of given) {
      this.open.delete(key);
      give();
    }
    if (given.length > 0) this.restartPatience();
  }

  /** Cancels the call at the server. Waiting and later requests receive the given outcome. */
  giveUp(outcome: Outcome): void {
    this.end(outcome);
    this.control.abort();
  }

  override notify({ method, params }: McpNotification): void | Promise<void> {
    // The client reads its newest request; the connections of the others may be broken.
    const listener = Array.from(this.listeners).at(-1);
    if (!listener) return undefined;
    if (method !== 'notifications/progress') return listener.reply.notify({ method, params });
    const { progressToken } = listener;
    return progressToken === undefined
      ? undefined
      : listener.reply.notify({ method, params: { ...params, progressToken } });
  }

  override async ask(question: Question, signal: AbortSignal): Promise<Answer> {
    if (this.ending || signal.aborted) throw new QuestionAbandoned();
    this.keeper.park(this);
    const key = `question-${(this.asked += 1)}`;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const abandon = () => reject(new QuestionAbandoned());
    this.open.set(key, { question: questionForModern(question), answer: resolve });
    signal.addEventListener('abort', abandon, { once: true });
    this.gather();
    this.restartPatience();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', abandon);
      // Still open here means that the server withdrew the question; the timeout then restarts for the others.
      if (this.open.delete(key)) this.restartPatience();
    }
  }

  private gather(): void {
    clearTimeout(this.gathering);
    this.gathering = setTimeout(() => {
      this.gathering = undefined;
      // The server may have withdrawn the questions meanwhile.
      if (this.open.size > 0) this.tell(this.questionsNow());
    }, GATHERING_MS);
  }

  private questionsNow(): Asked {
    this.wasTold = true;
    const questions = Array.from(this.open, ([key, { question }]) => [key, question] as const);
    return { kind: 'asked', questions: Object.fromEntries(questions), parked: this.id };
  }

  private tell(ending: Ending): void {
    const listeners = [...this.listeners];
    this.listeners.clear();
    for (const { resolve } of listeners) resolve(ending);
  }

  private restartPatience(): void {
    clearTimeout(this.patience);
    if (this.open.size === 0 || this.ending) return;
    const lapse = () => this.giveUp(new QuestionUnanswered(this.patienceMs).toOutcome());
    this.patience = setTimeout(lapse, this.patienceMs).unref();
  }

  /** A modern client cancels by disconnecting, unless it has received questions and may return with the answers. */
  private stopIfUnheard(): void {
    const mayComeBack = this.wasTold && this.open.size > 0;
    if (this.listeners.size === 0 && !this.ending && !mayComeBack) this.control.abort();
  }

  private end(ending: Ending): void {
    if (this.ending) return;
    this.ending = ending;
    clearTimeout(this.gathering);
    clearTimeout(this.patience);
    this.open.clear();
    this.tell(ending);
    this.keeper.ended(this);
  }
}
