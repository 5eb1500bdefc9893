import { OutcomeError } from '#lib/extension-kit';
import { result, type Answer, type Outcome, type Question } from '#lib/mcp-protocol';
import type { BusContext } from '#lib/worker-bus';
import { withConnectionLogLevel } from './connection-log-level.js';
import type { HeldConnection } from './held-connection.js';
import { BLOCKED_BY_QUESTION, needsNewConnection, type UpstreamReply } from '../upstream/index.js';
import { ConnectionBlocked, ConnectionNotHeld } from './connections.errors.js';
import type {
  AnswerOrder,
  CancelOrder,
  ListenEvent,
  ListenOrder,
  OpenEvent,
  LeaseEnd,
  NotifyOrder,
  RequestEvent,
  RequestOrder,
} from './pool-orders.js';

/** The exchange that keeps a lease alive, and the function that ends it. */
interface KeepAlive {
  readonly context: BusContext;
  readonly end: (reason: LeaseEnd['over']) => void;
}

/**
 * Another worker's lease on a connection of this worker. Holds the connection until the remote worker releases it and
 * its last in-flight call is answered.
 */
export class ConnectionLease {
  private keepAlive: KeepAlive | undefined;
  private readonly calls = new Map<string, AbortController>();
  private subscriptions = 0;
  private isReleased = false;
  private readonly released = Promise.withResolvers<void>();
  private readonly questions = new Map<string, (answer: Answer | undefined) => void>();
  private unsolicitedCount = 0;

  constructor(
    /** Id of the worker that holds the lease. */
    readonly requester: string,
    private readonly held: HeldConnection,
    private readonly onReleased: () => void,
  ) {
    held.setWaiting(true);
  }

  /**
   * Keeps the lease alive until the connection closes, the exchange is aborted, or another exchange renews the lease.
   */
  async renew(context: BusContext): Promise<Outcome> {
    const { promise, resolve: end } = Promise.withResolvers<LeaseEnd['over']>();
    const previous = this.keepAlive;
    const keepAlive: KeepAlive = { context, end };
    this.keepAlive = keepAlive;
    this.emit({ kind: 'open', profile: this.held.connection.profile });
    if (previous) previous.end('renewed');
    else this.listen();
    onAbort(context.signal, () => end('closed'));
    const reason = await promise;
    if (this.keepAlive === keepAlive && !this.isReleased) this.release();
    return result({ over: reason } satisfies LeaseEnd);
  }

  async request({ call, request }: RequestOrder, context: BusContext): Promise<Outcome> {
    const control = new AbortController();
    onAbort(context.signal, () => control.abort());
    this.calls.set(call, control);
    this.updateWaiting();
    try {
      const outcome = await this.held.connection.request(
        // A legacy server has one log level per connection; messages below a client's own level are dropped at that
        // client's worker.
        withConnectionLogLevel(this.held.connection, request),
        this.createReply(call, context),
        control.signal,
      );
      if (outcome === BLOCKED_BY_QUESTION) throw new ConnectionBlocked();
      // The requester sends the request again, over a lease on a new connection.
      if (needsNewConnection(outcome)) throw new ConnectionNotHeld(outcome);
      return outcome;
    } finally {
      this.calls.delete(call);
      this.updateWaiting();
      this.releaseWhenIdle();
    }
  }

  /** Cancels a call of the other worker with its client's reason. */
  cancel({ call, reason }: CancelOrder): void {
    this.calls.get(call)?.abort(reason);
  }

  answer({ call = UNSOLICITED, id, answer }: AnswerOrder): void {
    this.questions.get(toQuestionKey(call, id))?.(answer);
  }

  async notify({ notification }: NotifyOrder): Promise<Outcome> {
    const delivery = await this.held.connection.notify(notification);
    if (needsNewConnection(delivery)) throw new ConnectionNotHeld(delivery);
    return delivery;
  }

  /** Lasts until the exchange is aborted or the lease is released. Rejects with an OutcomeError. */
  async subscribe({ filter }: ListenOrder, context: BusContext): Promise<void> {
    this.subscriptions += 1;
    this.updateWaiting();
    try {
      await this.serveSubscription(filter, context);
    } finally {
      this.subscriptions -= 1;
      this.updateWaiting();
    }
  }

  private async serveSubscription(filter: ListenOrder['filter'], context: BusContext): Promise<void> {
    const emit = (event: ListenEvent) => void context.emit(event);
    const listening = await this.held.connection
      .subscribe(filter, (notification) => emit({ kind: 'changed', notification }))
      .catch(toNotHeldIfEnded);
    const { honoured, refused } = listening;
    emit({ kind: 'listening', honoured, ...(refused && { refused }) });
    await Promise.race([new Promise<void>((resolve) => onAbort(context.signal, resolve)), this.released.promise]);
    await listening.close();
  }

  /** Passes on what belongs to no call, once the other worker can receive it. */
  private listen(): void {
    this.held.onClosed(() => this.onConnectionClosed());
    this.held.onNotification((notification) => this.emit({ kind: 'notification', notification }));
    this.held.onQuestion((question, signal, client) => {
      const emit = (event: QuestionEvent) => this.emit({ ...event, ...(client !== undefined && { client }) });
      return this.askClient(UNSOLICITED, (this.unsolicitedCount += 1), question, emit, [signal]);
    });
  }

  private get isUsed(): boolean {
    return this.calls.size + this.subscriptions > 0;
  }

  private updateWaiting(): void {
    if (!this.isReleased) this.held.setWaiting(!this.isUsed);
  }

  /** A lease without calls is released at once: the connection may have been retired to make room for another one. */
  private onConnectionClosed(): void {
    this.keepAlive?.end('closed');
    if (!this.isUsed) this.release();
  }

  private emit(event: OpenEvent): void {
    void this.keepAlive?.context.emit(event);
  }

  private release(): void {
    this.isReleased = true;
    this.released.resolve();
    for (const [key, settle] of this.questions) if (key.startsWith(`${UNSOLICITED} `)) settle(undefined);
    this.onReleased();
    this.releaseWhenIdle();
  }

  private releaseWhenIdle(): void {
    if (this.isReleased && this.calls.size === 0) this.held.release();
  }

  private createReply(call: string, context: BusContext): UpstreamReply {
    const emit = (event: RequestEvent) => context.emit(event);
    let questionCount = 0;
    return {
      notify: (notification) => emit({ kind: 'notification', notification }),
      opened: (retryMs) => void emit({ kind: 'opened', ...(retryMs !== undefined && { retryMs }) }),
      interrupted: () => void emit({ kind: 'interrupted' }),
      missingCapabilities: (capabilities) => void emit({ kind: 'lacks', capabilities }),
      answerQuestion: async (question, signal) => {
        return this.askClient(call, (questionCount += 1), question, emit, [signal, context.signal]);
      },
    };
  }

  /** Sends a question to the other worker and waits for the answer. Rejects when there is none. */
  private async askClient(
    call: string,
    id: number,
    question: Question,
    emit: (event: QuestionEvent) => unknown,
    signals: readonly AbortSignal[],
  ): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    const key = toQuestionKey(call, id);
    this.questions.set(key, resolve);
    void emit({ kind: 'question', id, question });
    const withdraw = () => {
      void emit({ kind: 'withdrawn', id });
      resolve(undefined);
    };
    for (const signal of signals) onAbort(signal, withdraw);
    const answer = await promise;
    this.questions.delete(key);
    if (!answer) throw new Error('The client did not answer the question.');
    return answer;
  }
}

/** Stands for the id of a call in the keys of questions that belong to none. */
const UNSOLICITED = '';

type QuestionEvent = Extract<RequestEvent, { kind: 'question' | 'withdrawn' }>;

/** The requester subscribes again, over a lease on a new connection. */
function toNotHeldIfEnded(cause: unknown): never {
  const isEnded = cause instanceof OutcomeError && needsNewConnection(cause.outcome);
  throw isEnded ? new ConnectionNotHeld(cause.outcome) : cause;
}

const toQuestionKey = (call: string, id: number): string => `${call} ${id}`;

function onAbort(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
}
