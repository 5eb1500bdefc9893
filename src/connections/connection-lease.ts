import { result, type Answer, type Outcome } from '#lib/mcp-protocol';
import type { BusContext } from '#lib/worker-bus';
import { withConnectionLogLevel } from './connection-log-level.js';
import type { HeldConnection } from './held-connection.js';
import type { UpstreamReply } from '../upstream/index.js';
import type {
  AnswerOrder,
  ListenEvent,
  ListenOrder,
  OpenEvent,
  LeaseEnd,
  RequestEvent,
  RequestOrder,
} from './pool-orders.js';

/** The exchange that keeps a part alive, and how to end it. */
interface KeepAlive {
  readonly context: BusContext;
  readonly end: (why: LeaseEnd['over']) => void;
}

/**
 * What another worker has of a connection of ours. Holds the connection from its opening until that worker has no use
 * for it any more and its last call is answered.
 */
export class ConnectionLease {
  private keepAlive: KeepAlive | undefined;
  private inFlight = 0;
  private isReleased = false;
  private readonly released = Promise.withResolvers<void>();
  private readonly questions = new Map<string, (answer: Answer | undefined) => void>();

  constructor(
    /** Incarnation of the worker that has the part. */
    readonly requester: string,
    private readonly held: HeldConnection,
    private readonly onReleased: () => void,
  ) {
    held.onNotification((notification) => this.emit({ kind: 'notification', notification }));
  }

  /** Keeps the part alive until the connection ends, the exchange is given up, or another exchange takes over. */
  async renew(context: BusContext): Promise<Outcome> {
    const { promise, resolve: end } = Promise.withResolvers<LeaseEnd['over']>();
    const before = this.keepAlive;
    const keeper: KeepAlive = { context, end };
    this.keepAlive = keeper;
    this.emit({ kind: 'open', profile: this.held.connection.profile });
    if (before) before.end('renewed');
    else this.held.onClosed(() => this.keepAlive?.end('closed'));
    onAbort(context.signal, () => end('closed'));
    const over = await promise;
    if (this.keepAlive === keeper) this.release();
    return result({ over } satisfies LeaseEnd);
  }

  async request({ call, request }: RequestOrder, context: BusContext): Promise<Outcome> {
    this.inFlight += 1;
    try {
      return await this.held.connection.request(
        // A legacy server knows one level for all: what is too chatty for one worker's clients is left out there.
        withConnectionLogLevel(this.held.connection, request),
        this.createReply(call, context),
        context.signal,
      );
    } finally {
      this.inFlight -= 1;
      this.releaseWhenIdle();
    }
  }

  answer({ call, id, answer }: AnswerOrder): void {
    this.questions.get(toQuestionKey(call, id))?.(answer);
  }

  async notify(...args: Parameters<HeldConnection['connection']['notify']>): Promise<void> {
    await this.held.connection.notify(...args);
  }

  /** Lasts until the exchange is given up, or the part is over. Rejects with an OutcomeError. */
  async listen({ filter }: ListenOrder, context: BusContext): Promise<void> {
    const emit = (event: ListenEvent) => void context.emit(event);
    const listening = await this.held.connection.subscribe(filter, (notification) => {
      emit({ kind: 'changed', notification });
    });
    const { honoured, refused } = listening;
    emit({ kind: 'listening', honoured, ...(refused && { refused }) });
    await Promise.race([new Promise<void>((resolve) => onAbort(context.signal, resolve)), this.released.promise]);
    await listening.close();
  }

  private emit(event: OpenEvent): void {
    void this.keepAlive?.context.emit(event);
  }

  private release(): void {
    this.isReleased = true;
    this.released.resolve();
    this.onReleased();
    this.releaseWhenIdle();
  }

  private releaseWhenIdle(): void {
    if (this.isReleased && this.inFlight === 0) this.held.release();
  }

  private createReply(call: string, context: BusContext): UpstreamReply {
    const emit = (event: RequestEvent) => context.emit(event);
    let asked = 0;
    return {
      notify: (notification) => emit({ kind: 'notification', notification }),
      opened: (retryMs) => void emit({ kind: 'opened', ...(retryMs !== undefined && { retryMs }) }),
      interrupted: () => void emit({ kind: 'interrupted' }),
      missingCapabilities: (capabilities) => void emit({ kind: 'lacks', capabilities }),
      answerQuestion: async (question, signal) => {
        const id = (asked += 1);
        const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
        const key = toQuestionKey(call, id);
        this.questions.set(key, resolve);
        void emit({ kind: 'question', id, question });
        const withdraw = () => {
          void emit({ kind: 'withdrawn', id });
          resolve(undefined);
        };
        onAbort(signal, withdraw);
        onAbort(context.signal, withdraw);
        const answer = await promise;
        this.questions.delete(key);
        if (!answer) throw new Error('The client gave no answer.');
        return answer;
      },
    };
  }
}

const toQuestionKey = (call: string, id: number): string => `${call} ${id}`;

function onAbort(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
}
