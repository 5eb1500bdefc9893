import {
  GatewayError,
  type AdminDecision,
  type AdminQuestion,
  type CallerAnswer,
  type CallerQuestion,
} from '#lib/extension-kit';
import {
  isJsonObject,
  type Answer,
  type ExecutionOutcome,
  type JsonObject,
  type Outcome,
  type Question,
} from '#lib/mcp-protocol';
import type { ExecutedCall } from '../calls/index.js';
import type { RegisteredInterceptor } from './call-interceptors.js';
import type { AdminPorts, AdminQuestions, AwaitedApproval } from './admin-questions.js';
import {
  ApprovalUsed,
  CallerCannotBeAsked,
  CallerDidNotAnswer,
  InputRequested,
  Misuse,
} from './interception.errors.js';
import { readExpiryMs } from './question-expiry.js';
import { toQuestionKey, type Asker } from './question-key.js';

/** A form without fields, which the user accepts or declines. */
const EMPTY_FORM: JsonObject = { type: 'object', properties: {} };
const ASKED_TOO_LATE = 'it asked after the call was sent';

/** The questions of the interceptors of one request to its caller, and to admins about it. */
export class CallerQuestions {
  /** True once somebody has been asked: what was decided before may not hold any more. */
  hasAsked = false;

  constructor(
    private readonly executed: ExecutedCall,
    private readonly ports: Pick<AdminPorts, 'clock' | 'defaultExpiryMs'>,
    private readonly admins: AdminQuestions,
  ) {}

  /** True once the call may have reached its server. */
  hasSent = false;
  /** Interceptors that wait for an answer now, once for each question. */
  private readonly asking: RegisteredInterceptor[] = [];
  private readonly pending: Record<string, Question> = {};
  private readonly awaited: Record<string, string> = {};
  /** True once the request ends with questions, or until an admin has decided. */
  private isEnding = false;
  private expiresAfterMs = Infinity;
  private unusable: GatewayError | undefined;

  /**
   * How the request ends whatever interceptors do: with questions for the client, or because an answer cannot be used. Undefined:
   * nothing prevents the call.
   */
  get ending(): Outcome | undefined {
    if (this.unusable) return this.unusable.toOutcome();
    if (!this.isEnding) return undefined;
    return this.executed.repetition?.ask({
      questions: this.pending,
      awaited: this.awaited,
      expiresAfterMs: this.expiresAfterMs,
    });
  }

  /** An interceptor that waits for an answer now. The call must not be sent meanwhile. */
  get asker(): RegisteredInterceptor | undefined {
    return this.asking[0];
  }

  /** Must be called before the call is sent: not even an interceptor that ignores its question may execute it. @throws GatewayError */
  checkAnswered(): void {
    if (this.unusable) throw this.unusable;
    if (this.isEnding) throw new InputRequested();
    this.hasSent = true;
  }

  /**
   * Asks the caller on the stream of its call, or by ending the request with the question.
   * @throws GatewayError if the client cannot answer questions or does not answer
   */
  async ask(asker: Asker, question: CallerQuestion, signal: AbortSignal): Promise<CallerAnswer> {
    // Counted before anything is awaited: the interceptor may call next in the same turn.
    this.asking.push(asker.interceptor);
    try {
      const { askClient, call, repetition } = this.executed;
      const canAnswer = acceptsForms(call.client.capabilities);
      if (repetition && canAnswer) return await this.askByRepetition(asker, question);
      if (!askClient || !canAnswer) throw new CallerCannotBeAsked(call.client, this.execution);
      return await this.askOnStream(question, askClient, signal);
    } finally {
      this.asking.splice(this.asking.indexOf(asker.interceptor), 1);
    }
  }

  /**
   * Waits for an admin, or ends the request until it is repeated.
   * @throws GatewayError if nobody decides in time, or decisions cannot be read
   */
  async askAdmin(asker: Asker, question: AdminQuestion, signal: AbortSignal): Promise<AdminDecision> {
    if (this.hasSent) throw new Misuse(ASKED_TOO_LATE);
    this.asking.push(asker.interceptor);
    this.hasAsked = true;
    try {
      const answer = await this.admins.ask(asker, question, signal, (key) => this.answerTo(key));
      if ('action' in answer) return answer;
      this.awaitApproval(answer);
    } catch (cause) {
      // What another request may have executed must not be asked again.
      if (cause instanceof ApprovalUsed) this.unusable ??= cause;
      throw cause;
    } finally {
      this.asking.splice(this.asking.indexOf(asker.interceptor), 1);
    }
    throw new InputRequested();
  }

  private awaitApproval({ key, id, knownMs }: AwaitedApproval): void {
    this.awaited[key] = id;
    this.endRequest(knownMs);
  }

  private async askOnStream(
    question: CallerQuestion,
    askClient: NonNullable<ExecutedCall['askClient']>,
    signal: AbortSignal,
  ): Promise<CallerAnswer> {
    this.hasAsked = true;
    const timeout = new AbortController();
    // Without a time of its own, the question has that of its session.
    const expiresAfterMs = question.expiresAfterMs === undefined ? undefined : this.expiryOf(question);
    const cancelTimeout =
      expiresAfterMs === undefined ? undefined : this.ports.clock.after(expiresAfterMs, () => timeout.abort());
    try {
      const answer = await askClient(toElicitation(question), AbortSignal.any([signal, timeout.signal]));
      return this.readAnswer(answer);
    } catch (cause) {
      if (cause instanceof CallerDidNotAnswer) throw cause;
      throw new CallerDidNotAnswer('the answer did not arrive', this.execution);
    } finally {
      cancelTimeout?.();
    }
  }

  /** The repetition runs all interceptors again, so that a call which was sent would be sent twice. */
  private async askByRepetition(asker: Asker, question: CallerQuestion): Promise<CallerAnswer> {
    if (this.hasSent) throw new Misuse(ASKED_TOO_LATE);
    const expiresAfterMs = this.expiryOf(question);
    const key = toQuestionKey(asker, question.key ?? 'question', toElicitation(question).params);
    const answer = await this.answerTo(key);
    if (answer) return this.readAnswer({ result: answer });
    this.pending[key] = toElicitation(question);
    this.endRequest(expiresAfterMs);
    throw new InputRequested();
  }

  private async answerTo(key: string): Promise<JsonObject | undefined> {
    try {
      return await this.executed.repetition?.answerTo(key);
    } catch (cause) {
      if (cause instanceof GatewayError) this.unusable ??= cause;
      throw cause;
    }
  }

  /** @param expiresAfterMs how long the repetition may take */
  private endRequest(expiresAfterMs: number): void {
    this.isEnding = true;
    this.expiresAfterMs = Math.min(expiresAfterMs, this.expiresAfterMs);
  }

  private expiryOf({ expiresAfterMs }: CallerQuestion): number {
    return readExpiryMs(expiresAfterMs, this.ports.defaultExpiryMs);
  }

  private get execution(): ExecutionOutcome {
    return this.hasSent ? 'unknown' : 'not_executed';
  }

  /** @throws CallerDidNotAnswer */
  private readAnswer(answer: Answer): CallerAnswer {
    if ('error' in answer) throw new CallerDidNotAnswer('your client failed to show the question', this.execution);
    const { action, content } = answer.result;
    if (action !== 'accept' && action !== 'decline' && action !== 'cancel')
      throw new CallerDidNotAnswer('the answer of your client is malformed', this.execution);
    return { action, ...(isJsonObject(content) && { content }) };
  }
}

/** Clients of the first revisions with elicitation declare it without its modes. */
function acceptsForms(capabilities: JsonObject): boolean {
  const { elicitation } = capabilities;
  return isJsonObject(elicitation) && (isJsonObject(elicitation['form']) || elicitation['url'] === undefined);
}

const toElicitation = ({ message, requestedSchema = EMPTY_FORM }: CallerQuestion): Question => ({
  method: 'elicitation/create',
  params: { message, requestedSchema },
});
