import type { Answer, McpNotification, Question } from '#lib/mcp-protocol';
import type { UpstreamReply, UpstreamRequest } from '../../upstream-connection.js';
import { RunningCall, type CallSurroundings } from '../running-call.js';

/** How a call reaches the server and what it holds there. */
export interface Carriage {
  /** True once bytes of the call may have left. */
  readonly sent: boolean;
  /** Lets go of the stream that the answer would come on, if it has one of its own. */
  release(): void;
}

/** What the connection does with a call that begins and ends. */
export interface CallKeeper {
  ended(call: LegacyCall): void;
  cancel(call: LegacyCall, reason: string): void;
}

/** Methods in the middle of which a server may ask its client something. */
const MAY_ASK: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read', 'completion/complete']);

/** Questions that one call may have open at a time. */
const MAX_OPEN_QUESTIONS = 16;

/** A call to a legacy server. */
export class LegacyCall extends RunningCall {
  carriage: Carriage | undefined;
  private questions: Set<AbortController> | undefined;

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

  /** Undefined when the call is over or has too many questions open already. */
  question(question: Question, control: AbortController): Promise<Answer> | undefined {
    this.questions ??= new Set();
    if (this.settled || this.questions.size >= MAX_OPEN_QUESTIONS) return undefined;
    this.questions.add(control);
    return this.ask(question, control.signal).finally(() => this.questions?.delete(control));
  }

  override deliver(notification: McpNotification): void | Promise<void> {
    return super.deliver(notification);
  }

  protected override withdraw(why: 'aborted' | 'timeout'): boolean {
    const sent = this.carriage?.sent === true;
    if (sent) this.keeper.cancel(this, why === 'timeout' ? 'the request timed out' : 'the client cancelled it');
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
