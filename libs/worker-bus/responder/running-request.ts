import type { Clock } from '#lib/time';
import type { BusContext, BusService } from '../bus.js';
import type { RequestHead } from '../frames/request-message.js';
import { ReplyStream, type ReplyParts, type StreamLoss } from './reply-stream.js';

/** Why a handler need not go on. */
export type AbortCause = 'cancelled' | 'deadline' | 'stopped' | StreamLoss;

/** The reason of an aborted `BusContext.signal`. */
export class BusAborted extends Error {
  override readonly name = 'BusAborted';

  constructor(readonly why: AbortCause) {
    super(`The request need not be served any more: ${why}.`);
  }
}

export interface Asked {
  readonly requester: string;
  readonly request: string;
  readonly head: RequestHead;
  readonly payload: unknown;
}

export interface RunningParts extends ReplyParts {
  readonly timer: Clock;
  readonly service: BusService;
}

/** A request from its arrival until the last of its answer is sent. */
export class RunningRequest {
  readonly over: Promise<void>;

  private readonly stream: ReplyStream;
  private readonly abortion = new AbortController();
  private readonly stopClock: () => void;

  constructor(
    private readonly parts: RunningParts,
    readonly asked: Asked,
  ) {
    const { requester, request, head } = asked;
    this.stream = new ReplyStream(parts, { worker: requester, box: 'replies' }, request, (loss) => this.abort(loss));
    const { budgetMs } = head;
    this.stopClock = budgetMs === undefined ? () => {} : parts.timer.after(budgetMs, () => this.abort('deadline'));
    this.over = this.stream.over.then(() => this.stopClock());
  }

  /** Its end is known here, and is on its way. */
  get isAnswered(): boolean {
    return this.stream.isEnding;
  }

  /** Runs the handler, unless that is not wanted any more. It was claimed. */
  async run(): Promise<void> {
    if (this.abortion.signal.aborted) return this.stream.end('unstarted');
    const { head, payload, requester } = this.asked;
    const context: BusContext = {
      requester,
      signal: this.abortion.signal,
      emit: (event) => this.stream.emit(event),
    };
    try {
      this.stream.end('value', await this.parts.service.handle(head.pattern, payload, context));
    } catch {
      this.stream.end('failed');
    }
  }

  /** Says that it was not run and never will be, although the claim may have been won. */
  disown(): void {
    this.stream.end('unclaimed');
  }

  /** It is somebody else's, or nobody's: nothing is said about it. */
  drop(): void {
    this.stream.close();
  }

  credit(consumedBytes: number): void {
    this.stream.credit(consumedBytes);
  }

  abort(why: AbortCause): void {
    if (!this.abortion.signal.aborted) this.abortion.abort(new BusAborted(why));
  }

  /** Nobody hears the answer any more. */
  abandon(why: AbortCause): void {
    this.abort(why);
    this.stream.close();
  }
}
