import type { Clock } from '#lib/time';
import type { BusEnd, BusExchange, BusRequest } from '../bus.js';
import type { AddressCheck } from '../frames/address-check.js';
import type { EndGate } from '../frames/end-gate.js';
import type { Frame } from '../frames/frame.js';
import type { FrameOrder } from '../frames/frame-order.js';
import type { Outbox } from '../frames/outbox.js';
import { encodeRequest } from '../frames/request-message.js';
import type { Membership } from '../membership/membership.js';
import type { BusObserver } from '../observer.js';
import { mayHaveSucceeded, retry } from '../retry.js';
import type { Address, Ledger, Ticket } from '../ports/index.js';
import { REPLY_RETRY_INTERVAL_MS, REPLY_RETRY_TIMEOUT_MS } from '../protocol.js';
import { Exchange, type ExchangeHost } from './exchange.js';
import type { EventListener } from './incoming-stream.js';

export interface RequesterParts {
  readonly workerId: string;
  readonly ledger: Ledger;
  readonly timer: Clock;
  readonly outbox: Outbox;
  readonly observer: BusObserver;
  readonly address: AddressCheck;
  readonly gate: EndGate;
  readonly membership: Membership;
  makeOrder(): FrameOrder;
  createId(): string;
}

const NOT_SENT: BusEnd = { kind: 'not-executed', cause: 'unavailable' };

/** Sends requests to other workers and holds those whose end has not arrived. */
export class Requester {
  private readonly exchanges = new Map<string, Exchange>();
  private readonly host: ExchangeHost;
  private isStopped = false;
  private reportLatency: ((latencyMs: number) => void) | undefined;

  constructor(private readonly parts: RequesterParts) {
    const { ledger, timer, gate } = parts;
    this.host = {
      ledger,
      timer,
      gate,
      makeOrder: () => parts.makeOrder(),
      sendCancel: ({ owner, ticket }, isOwnerDead) =>
        this.sendCancelUntilReceived(owner, ticket.request, isOwnerDead ? 0 : REPLY_RETRY_TIMEOUT_MS),
      sendCredit: (exchange, bytes) => this.sendCredit(exchange, bytes),
      forget: ({ request }, end) => {
        this.exchanges.delete(request);
        parts.observer.ended(request, end);
      },
    };
  }

  /** Number of requests in flight. */
  get size(): number {
    return this.exchanges.size;
  }

  /** @throws TypeError for a payload that JSON cannot represent */
  request(order: BusRequest, onEvent: EventListener | undefined): BusExchange {
    const terms = this.parts.membership.ticketTerms();
    if (this.isStopped || this.parts.membership.state !== 'ready' || !terms) return notSentExchange();
    const { to, payload, pattern, queue, budgetMs } = order;
    const message = encodeRequest(
      { ...terms, pattern, ...(queue === undefined ? {} : { queue }), ...(budgetMs === undefined ? {} : { budgetMs }) },
      payload,
    );
    const ticket: Ticket = { requester: this.parts.workerId, request: this.parts.createId(), ...terms };
    const exchange = new Exchange(this.host, ticket, order, onEvent);
    this.exchanges.set(ticket.request, exchange);
    this.parts.observer.sent(ticket.request, pattern, to);
    void exchange.end.then(this.parts.membership.watch(to));
    if (this.reportLatency) this.measure(exchange, this.reportLatency);
    this.send(exchange, message);
    return exchange;
  }

  /** Calls the listener with the milliseconds after which another worker accepted a request. There is one listener. */
  onAccepted(listener: (latencyMs: number) => void): void {
    this.reportLatency = listener;
  }

  /** Receives a frame from the replies. */
  receive(frame: Frame): void {
    const { observer, address } = this.parts;
    const exchange = this.exchanges.get(frame.request);
    if (!exchange) {
      observer.dropped('stray', frame.request);
      // The owner serves a request that has ended here, or waits for a credit that will never come.
      if (frame.kind === 'event' || frame.kind === 'probe') this.sendCancel(frame.from, frame.request).catch(() => {});
      return;
    }
    if (!address.isFrom(exchange.owner, frame)) observer.dropped('address', frame.request);
    else if (!exchange.receive(frame)) observer.dropped('order', frame.request);
  }

  /** Frames for this worker may have been lost. */
  onRelayBroken(): void {
    for (const exchange of this.exchanges.values()) exchange.onRelayBroken();
  }

  onWorkerDead(worker: string): void {
    for (const exchange of this.exchanges.values()) if (exchange.owner === worker) exchange.onOwnerDead();
  }

  /** Ends every request in flight, and sends nothing more. */
  stop(): void {
    this.isStopped = true;
    this.onRelayBroken();
  }

  private measure(exchange: Exchange, report: (latencyMs: number) => void): void {
    const { timer } = this.parts;
    const sentAt = timer.monotonicNow();
    void exchange.accepted.then((isAccepted) => isAccepted && report(timer.monotonicNow() - sentAt));
  }

  /** Publishes all parts at once: the next request of the same queue must not arrive between them. */
  private send(exchange: Exchange, message: Buffer): void {
    const { request } = exchange.ticket;
    const inbox: Address = { worker: exchange.owner, box: 'inbox' };
    const parts = this.parts.outbox.split(inbox, request, message);
    const sent = parts.map((payload, number) =>
      this.parts.outbox
        .send(inbox, { kind: 'request', request, number, more: number + 1 < parts.length, payload })
        .then(
          (receivers) => this.checkReceivers(exchange, receivers),
          (error: unknown) => reportSendFailure(exchange, error),
        ),
    );
    // Publishing a long message takes time: the timeout for ACCEPT starts after the last part.
    if (parts.length > 1) void Promise.all(sent).then(() => exchange.awaitAccept());
  }

  private checkReceivers(exchange: Exchange, receivers: number): void {
    if (receivers > 1) this.parts.observer.alarm(`${receivers} workers receive the inbox of ${exchange.owner}.`);
    if (receivers === 0) exchange.deliveryUncertain();
  }

  private sendCredit({ owner, ticket }: Exchange, consumedBytes: number): void {
    const inbox: Address = { worker: owner, box: 'inbox' };
    // A lost credit is replaced by the next one, or by the reply to the probe of the owner.
    this.parts.outbox.send(inbox, { kind: 'credit', request: ticket.request, number: consumedBytes }).catch(() => {});
  }

  /** Repeats `cancel` until a worker receives it: a lost one would leave the owner working for nothing. */
  private sendCancelUntilReceived(owner: string, request: string, timeoutMs: number): void {
    const isNeeded = (): boolean => !this.isStopped;
    void retry(this.parts.timer, { timeoutMs, intervalMs: REPLY_RETRY_INTERVAL_MS, isNeeded }, async () => {
      return (await this.sendCancel(owner, request)) > 0;
    });
  }

  private sendCancel(owner: string, request: string): Promise<number> {
    return this.parts.outbox.send({ worker: owner, box: 'inbox' }, { kind: 'cancel', request });
  }
}

function reportSendFailure(exchange: Exchange, error: unknown): void {
  if (mayHaveSucceeded(error)) exchange.deliveryUncertain();
  else exchange.sendFailed();
}

function notSentExchange(): BusExchange {
  return { end: Promise.resolve(NOT_SENT), accepted: Promise.resolve(false), cancel: () => {} };
}
