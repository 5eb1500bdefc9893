import type { Answer, Question } from '#lib/mcp-protocol';
import type { UpstreamReply, UpstreamRequest } from '../../upstream-connection.js';
import type { CallTransport } from '../../channels/message-pipe.js';
import { InFlightCall, type CallContext } from '../in-flight-call.js';

/** What the connection does with a call that begins and ends. */
export interface LegacyCallHost {
  ended(call: LegacyCall): void;
  /** Resolves once the server has taken note, or will not. */
  cancel(call: LegacyCall, reason: string): Promise<void>;
}

/** Methods in the middle of which a server may ask its client something. */
const METHODS_WITH_QUESTIONS: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'completion/complete',
]);

/** Questions that one call may have open at a time. */
const MAX_OPEN_QUESTIONS = 16;

/** And altogether: each of them gives the server its full time anew. */
const MAX_QUESTIONS = 64;

/** A call to a legacy server. */
export class LegacyCall extends InFlightCall {
  transport: CallTransport | undefined;
  /** Set when the server is told that nobody waits any more; resolves once it has taken note, or will not. */
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
    return METHODS_WITH_QUESTIONS.has(this.request.method);
  }

  /** Undefined when the call is over or has too many questions open already. */
  forwardQuestion(question: Question, control: AbortController): Promise<Answer> | undefined {
    this.openQuestions ??= new Set();
    if (this.settled || this.openQuestions.size >= MAX_OPEN_QUESTIONS || ++this.questionCount > MAX_QUESTIONS)
      return undefined;
    this.openQuestions.add(control);
    this.pauseTimeout();
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
