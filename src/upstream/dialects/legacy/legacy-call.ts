import type { Answer, Question } from '#lib/mcp-protocol';
import type { UpstreamReply, UpstreamRequest } from '../../upstream-connection.js';
import type { Carriage } from '../../channels/message-pipe.js';
import { RunningCall, type CallSurroundings } from '../running-call.js';

/** Implemented by the connection: handles the end and the cancellation of its calls. */
export interface CallKeeper {
  ended(call: LegacyCall): void;
  /** Resolves once the server has received the cancellation, or cannot receive it. */
  cancel(call: LegacyCall, reason: string): Promise<void>;
}

/** Methods during which a server may send questions to its client. */
const MAY_ASK: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read', 'completion/complete']);

/** Maximum number of open questions per call. */
const MAX_OPEN_QUESTIONS = 16;

/** Maximum number of questions per call in total: each question restarts the call's timeout. */
const MAX_QUESTIONS = 64;

/** A call to a legacy server. */
export class LegacyCall extends RunningCall {
  carriage: Carriage | undefined;
  /** Set when the call is cancelled at the server; resolves once the server has received that, or cannot receive it. */
  cancelled: Promise<void> | undefined;
  private questions: Set<AbortController> | undefined;
  private asked = 0;

  constructor(
    id: number,
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
    surroundings: CallSurroundings,
    private readonly keeper: CallKeeper,
  ) {
    super(id, request, reply, signal, surroundings);
  }

  get mayAsk(): boolean {
    return MAY_ASK.has(this.request.method);
  }

  /**
   * Forwards a question to the caller. Returns undefined when the call has settled or a limit of questions is reached.
   */
  question(question: Question, control: AbortController): Promise<Answer> | undefined {
    this.questions ??= new Set();
    if (this.settled || this.questions.size >= MAX_OPEN_QUESTIONS || ++this.asked > MAX_QUESTIONS) return undefined;
    this.questions.add(control);
    this.stopClock();
    control.signal.addEventListener('abort', () => this.answered(control), { once: true });
    return this.ask(question, control.signal).finally(() => this.answered(control));
  }

  private answered(control: AbortController): void {
    if (this.questions?.delete(control) === true && this.questions.size === 0) this.restartClock();
  }

  protected override withdraw(reason: string): boolean {
    const sent = this.carriage?.sent === true;
    if (sent) this.cancelled = this.keeper.cancel(this, reason);
    return sent;
  }

  protected override released(): void {
    this.keeper.ended(this);
    this.carriage?.release();
    if (this.questions === undefined) return;
    for (const control of this.questions) control.abort();
    this.questions.clear();
  }
}
