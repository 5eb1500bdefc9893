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

/** What a client that answers by repeating its call is told in place of an outcome. */
export interface Asked {
  readonly kind: 'asked';
  /** By the keys under which their answers are expected. */
  readonly questions: Readonly<Record<string, Question>>;
  /** The call that waits for the answers. Absent: nothing waits, and with the answers the call is made anew. */
  readonly parked?: string;
}

/** How a request of such a client ends. */
export type Ending = Outcome | Asked;

/** A request of the client that waits for what comes of the call: the first one, or a repetition. */
export interface Listener {
  readonly reply: PlainReply;
  /** The request's own; progress goes back with it. */
  readonly progressToken: RequestId | undefined;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

/** What is told of a call to whoever counts calls. */
export interface CallKeeper {
  /** The call asks its client. @throws GatewayError when no more calls may wait for their clients */
  park(call: AskingCall): void;
  ended(call: AskingCall): void;
}

/** Who makes which call, for those who look after calls. */
export interface CallNote {
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

type Waiting = Listener & { readonly resolve: (ending: Ending) => void };

/** Questions that a server asks at once arrive one after the other; so long is waited for the next one. */
const GATHERING_MS = 20;

/**
 * One call to a server that asks in the middle of it, for a client that has no stream to be asked on: the client is told
 * the questions in place of an outcome, and comes back with the answers. Whoever comes back is told what happens next,
 * however often: answers that the server has are not given to it twice.
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

  /** `patienceMs`: how long a client may take to answer. */
  constructor(
    readonly note: CallNote,
    private readonly keeper: CallKeeper,
    private readonly patienceMs: number,
  ) {
    super();
  }

  /** Starts the call, and waits. Rejects as `run` does, unless the client was asked before. */
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

  /** How it ended, once it has. */
  get kept(): Ending | undefined {
    return this.ending;
  }

  /** Methods of the questions that are before the client. */
  get questions(): string[] {
    return Array.from(this.open.values(), ({ question }) => question.method);
  }

  /** Requests of the client that wait for it. */
  get waiting(): number {
    return this.listeners.size;
  }

  /** Resolves with what the client is to be told next. */
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
   * Takes the client's answers. Those to questions that are not open (any more) are left alone; what is missing stays open.
   * @throws MalformedAnswer when one of them is no answer to its question; then none is given to the server
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

  /** Gives the call up at the server; whoever waits, or comes back, is told why. */
  giveUp(outcome: Outcome): void {
    this.end(outcome);
    this.control.abort();
  }

  override notify({ method, params }: McpNotification): void | Promise<void> {
    // The newest request is the one that the client reads; the others may be connections that broke.
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
      // False when it was answered: the server has withdrawn it, and the client's time with it.
      if (this.open.delete(key)) this.restartPatience();
    }
  }

  private gather(): void {
    clearTimeout(this.gathering);
    this.gathering = setTimeout(() => {
      this.gathering = undefined;
      // The server may have thought better of it.
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

  /** Leaving is how a client of this era cancels, unless it has been asked something and may come back. */
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
