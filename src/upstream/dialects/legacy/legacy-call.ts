import type { Answer, Question } from '#lib/mcp-protocol';
import type { UpstreamReply, UpstreamRequest } from '../../upstream-connection.js';
import type { CallTransport } from '../../channels/message-pipe.js';
import { InFlightCall, type CallContext } from '../in-flight-call.js';

/** Implemented by the connection: handles the end and the cancellation of its calls. */
export interface LegacyCallHost {
  ended(call: LegacyCall): void;
  /** A question of the call waits for its client. */
  questionOpened(call: LegacyCall): void;
  /** Resolves once the server has received the cancellation, or cannot receive it. */
  cancel(call: LegacyCall, reason: string): Promise<void>;
}

/** Methods during which a server may send questions to its client. */
const METHODS_WITH_QUESTIONS: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'completion/complete',
]);

/** True if a server may send questions during a call of this method. */
export const canLeadToQuestions = (method: string): boolean => METHODS_WITH_QUESTIONS.has(method);

/** Maximum number of open questions per call. */
const MAX_OPEN_QUESTIONS = 16;

/** Maximum number of questions per call in total: each question restarts the call's timeout. */
const MAX_QUESTIONS = 64;

/** A call to a legacy server. */
export class LegacyCall extends InFlightCall {
  transport: CallTransport | undefined;
  /** Set when the call is cancelled at the server; resolves once the server has received that, or cannot receive it. */
  cancelled: Promise<void> | undefined;
  private openQuestions: Set<AbortController> | undefined;
  private questionCount = 0;

  constructor(
    id: number,
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
    surroundings: CallContext,
    private readonly host: LegacyCallHost,
  ) {
    super(id, request, reply, signal, surroundings);
  }

  get acceptsQuestions(): boolean {
    return canLeadToQuestions(this.request.method);
  }

  /** True while a question of the call waits for its client. */
  get waitsForClient(): boolean {
    return this.openQuestions !== undefined && this.openQuestions.size > 0;
  }

  /**
   * Forwards a question to the caller. Returns undefined when the call has settled or a limit of questions is reached.
   */
  forwardQuestion(question: Question, control: AbortController): Promise<Answer> | undefined {
    this.openQuestions ??= new Set();
    if (this.settled || this.openQuestions.size >= MAX_OPEN_QUESTIONS || ++this.questionCount > MAX_QUESTIONS)
      return undefined;
    this.openQuestions.add(control);
    this.pauseTimeout();
    if (this.openQuestions.size === 1) this.host.questionOpened(this);
    control.signal.addEventListener('abort', () => this.closeQuestion(control), { once: true });
    return this.answerQuestion(question, control.signal).finally(() => this.closeQuestion(control));
  }

  private closeQuestion(control: AbortController): void {
    if (this.openQuestions?.delete(control) === true && this.openQuestions.size === 0) this.resumeTimeout();
  }

  protected override cancelUpstream(reason: string): boolean {
    const sent = this.transport?.sent === true;
    if (sent) this.cancelled = this.host.cancel(this, reason);
    return sent;
  }

  protected override released(): void {
    this.host.ended(this);
    this.transport?.release();
    if (this.openQuestions === undefined) return;
    for (const control of this.openQuestions) control.abort();
    this.openQuestions.clear();
  }
}
