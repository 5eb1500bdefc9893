import { randomBytes } from 'node:crypto';
import { mayBeAsked } from '#lib/mcp-protocol';
import type { BusEnd, BusExchange, WorkerBus } from '#lib/worker-bus';
import type { UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import { toConnectionOutcome } from './connections.errors.js';
import { PoolPattern, type AnswerOrder, type RequestEvent, type RequestOrder } from './pool-orders.js';

type QuestionEvent = Extract<RequestEvent, { kind: 'question' }>;

/** To whom a request goes, and how long it may take when nobody is asked in the middle of it. */
export interface CallRoute {
  /** Incarnation of the worker. */
  readonly to: string;
  readonly budgetMs: number;
}

const ANSWER_TIMEOUT_MS = 10_000;

/** One request over a connection that another worker has: its notifications, its questions, its end. */
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

  /** Aborting the signal cancels the request there; its end comes all the same. Never rejects. */
  async run(request: UpstreamRequest, signal: AbortSignal): Promise<BusEnd> {
    const { to, budgetMs } = this.route;
    const payload: RequestOrder = { part: this.leaseId, call: this.callId, request };
    const order = { to, pattern: PoolPattern.request, payload };
    // While a client thinks, time stands still at the worker that sent the request, which alone knows of that.
    const isTimed = !mayBeAsked(request.client.capabilities);
    const exchange = this.bus.request(isTimed ? { ...order, budgetMs } : order, (event) =>
      this.handleEvent(event as RequestEvent),
    );
    this.exchange = exchange;
    const cancel = () => exchange.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    const end = await exchange.end;
    signal.removeEventListener('abort', cancel);
    for (const control of this.questions?.values() ?? []) control.abort();
    return end;
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
    // Nobody there waits for the answer to a question that was withdrawn.
    if (control.signal.aborted) return;
    const payload: AnswerOrder = { part: this.leaseId, call: this.callId, id, ...(answer && { answer }) };
    const order = { to: this.route.to, pattern: PoolPattern.answer, payload, budgetMs: ANSWER_TIMEOUT_MS };
    const end = await this.bus.request(order).end;
    // Without the answer the request would wait for ever.
    if (toConnectionOutcome(end).kind !== 'result') this.exchange?.cancel();
  }
}
