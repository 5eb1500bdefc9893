import { randomBytes } from 'node:crypto';
import type { BusEnd, BusExchange, WorkerBus } from '#lib/worker-bus';
import type { UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import { toConnectionOutcome } from './connections.errors.js';
import {
  PoolPattern,
  type AnswerOrder,
  type CancelOrder,
  type RequestEvent,
  type RequestOrder,
} from './pool-orders.js';

type QuestionEvent = Extract<RequestEvent, { kind: 'question' }>;

/** The worker that a request goes to, and its time budget in milliseconds. Without one, that worker alone limits its duration. */
export interface CallRoute {
  /** Id of the worker. */
  readonly to: string;
  readonly budgetMs?: number;
}

const ANSWER_TIMEOUT_MS = 10_000;

/**
 * One request over a connection of another worker: relays its notifications and questions, and reports how it ended.
 */
export class RemoteCall {
  private readonly callId = randomBytes(16).toString('base64url');
  private questions: Map<number, AbortController> | undefined;
  private exchange: BusExchange | undefined;

  constructor(
    private readonly bus: WorkerBus,
    private readonly route: CallRoute,
    private readonly leaseId: string,
    private readonly reply: UpstreamReply,
  ) {}

  /** Id of the request to the other worker, once it was sent. */
  get requestId(): string | undefined {
    return this.exchange?.request;
  }

  /**
   * Aborting the signal cancels the request at the other worker; the returned promise still resolves with its end.
   * Never rejects.
   */
  async run(request: UpstreamRequest, signal: AbortSignal): Promise<BusEnd> {
    const payload: RequestOrder = { part: this.leaseId, call: this.callId, request };
    const exchange = this.bus.request({ ...this.route, pattern: PoolPattern.request, payload }, (event) =>
      this.handleEvent(event as RequestEvent),
    );
    this.exchange = exchange;
    const cancel = () => void this.cancel(exchange, signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    const end = await exchange.end;
    signal.removeEventListener('abort', cancel);
    for (const control of this.questions?.values() ?? []) control.abort();
    return end;
  }

  private async cancel(exchange: BusExchange, reason: unknown): Promise<void> {
    if (typeof reason !== 'string') return exchange.cancel();
    const payload: CancelOrder = { part: this.leaseId, call: this.callId, reason };
    const order = { to: this.route.to, pattern: PoolPattern.cancel, payload, budgetMs: ANSWER_TIMEOUT_MS };
    const end = await this.bus.request(order).end;
    // The call may not have reached the other worker yet.
    if (toConnectionOutcome(end).kind !== 'result') exchange.cancel();
  }

  private handleEvent(event: RequestEvent): void | Promise<void> {
    switch (event.kind) {
      case 'notification':
        return this.reply.notify(event.notification);
      case 'opened':
        return this.reply.opened?.(event.retryMs);
      case 'interrupted':
        return this.reply.interrupted?.();
      case 'lacks':
        return this.reply.missingCapabilities?.(event.capabilities);
      case 'question':
        return void this.answerQuestion(event);
      case 'withdrawn':
        return this.questions?.get(event.id)?.abort();
    }
  }

  private async answerQuestion({ id, question }: QuestionEvent): Promise<void> {
    const control = new AbortController();
    this.questions ??= new Map();
    this.questions.set(id, control);
    const answer = await this.reply.answerQuestion(question, control.signal).catch(() => undefined);
    this.questions.delete(id);
    // The server has withdrawn the question and does not wait for the answer.
    if (control.signal.aborted) return;
    const payload: AnswerOrder = { part: this.leaseId, call: this.callId, id, ...(answer && { answer }) };
    const order = { to: this.route.to, pattern: PoolPattern.answer, payload, budgetMs: ANSWER_TIMEOUT_MS };
    const end = await this.bus.request(order).end;
    // The request would wait forever for an answer that cannot be delivered.
    if (toConnectionOutcome(end).kind !== 'result') this.exchange?.cancel();
  }
}
