import type { Clock } from '#lib/time';
import type { BusContext, BusService } from '../bus.js';
import type { RequestHead } from '../frames/request-message.js';
import { ReplyStream, type ReplyParts, type StreamLoss } from './reply-stream.js';

/** Why a handler may stop. */
export type AbortCause = 'cancelled' | 'deadline' | 'stopped' | StreamLoss;

/** The reason of an aborted `BusContext.signal`. */
export class BusAborted extends Error {
  override readonly name = 'BusAborted';

  constructor(readonly why: AbortCause) {
    super(`The request was aborted: ${why}.`);
  }
}

export interface ReceivedRequest {
  readonly requester: string;
  readonly request: string;
  readonly head: RequestHead;
  readonly payload: unknown;
}

export interface RunningParts extends ReplyParts {
  readonly timer: Clock;
  readonly service: BusService;
}

/** A request from its arrival until the last frame of its answer is sent. */
export class RunningRequest {
  readonly closed: Promise<void>;

  private readonly stream: ReplyStream;
  private readonly abortController = new AbortController();
  private readonly stopClock: () => void;

  constructor(
    private readonly parts: RunningParts,
    readonly received: ReceivedRequest,
  ) {
    const { requester, request, head } = received;
    this.stream = new ReplyStream(parts, { worker: requester, box: 'replies' }, request, (loss) => this.abort(loss));
    const { budgetMs } = head;
    this.stopClock = budgetMs === undefined ? () => {} : parts.timer.after(budgetMs, () => this.abort('deadline'));
    this.closed = this.stream.closed.then(() => this.stopClock());
  }

  /** The handler has ended, and its end is being sent. */
  get isAnswered(): boolean {
    return this.stream.hasEnded;
  }

  /** Runs the handler of a claimed request, unless it was aborted before. */
  async run(): Promise<void> {
    if (this.abortController.signal.aborted) return this.stream.end('unstarted');
    const { head, payload, requester, request } = this.received;
    const context: BusContext = {
      requester,
      request,
      signal: this.abortController.signal,
      emit: (event) => this.stream.emit(event),
    };
    try {
      this.stream.end('value', await this.parts.service.handle(head.pattern, payload, context));
    } catch {
      this.stream.end('failed');
    }
  }

  /** Reports that the request was not run and never will be, although the claim may have been won. */
  replyUnclaimed(): void {
    this.stream.end('unclaimed');
  }

  /** The claim was not won: drops the request without a reply. */
  drop(): void {
    this.stream.close();
  }

  credit(consumedBytes: number): void {
    this.stream.credit(consumedBytes);
  }

  abort(why: AbortCause): void {
    if (!this.abortController.signal.aborted) this.abortController.abort(new BusAborted(why));
  }

  /** The requester no longer receives the answer. */
  abandon(why: AbortCause): void {
    this.abort(why);
    this.stream.close();
  }
}
