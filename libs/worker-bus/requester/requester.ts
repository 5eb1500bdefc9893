import type { Clock } from '#lib/time';
import type { BusEnd, BusExchange, BusOrder } from '../bus.js';
import type { AddressCheck } from '../frames/address-check.js';
import type { EndGate } from '../frames/end-gate.js';
import type { Frame } from '../frames/frame.js';
import type { FrameOrder } from '../frames/frame-order.js';
import type { Outbox } from '../frames/outbox.js';
import { encodeRequest } from '../frames/request-message.js';
import type { Membership } from '../membership/membership.js';
import type { BusObserver } from '../observer.js';
import { mayHaveWorked, persist } from '../persist.js';
import type { Address, Ledger, Ticket } from '../ports/index.js';
import { REPLY_PAUSE_MS, REPLY_RETRY_MS } from '../protocol.js';
import { Exchange, type ExchangeHost } from './exchange.js';
import type { EventListener } from './inflow.js';

export interface RequesterParts {
  readonly me: string;
  readonly ledger: Ledger;
  readonly timer: Clock;
  readonly outbox: Outbox;
  readonly observer: BusObserver;
  readonly address: AddressCheck;
  readonly gate: EndGate;
  readonly membership: Membership;
  makeOrder(): FrameOrder;
  drawId(): string;
}

const NOTHING_SENT: BusEnd = { kind: 'not-executed', cause: 'unavailable' };

/** Asks other workers: all that this worker has sent and not heard the end of. */
export class Requester {
  private readonly exchanges = new Map<string, Exchange>();
  private readonly host: ExchangeHost;
  private isStopped = false;

  constructor(private readonly parts: RequesterParts) {
    const { ledger, timer, gate } = parts;
    this.host = {
      ledger,
      timer,
      gate,
      makeOrder: () => parts.makeOrder(),
      tellCancelled: ({ owner, ticket }, isGone) =>
        this.tellCancelled(owner, ticket.request, isGone ? 0 : REPLY_RETRY_MS),
      tellCredit: (exchange, bytes) => this.tellCredit(exchange, bytes),
      forget: ({ ticket }) => this.exchanges.delete(ticket.request),
    };
  }

  /** How many requests are under way. */
  get size(): number {
    return this.exchanges.size;
  }

  /** @throws TypeError for a payload that JSON cannot hold */
  request(order: BusOrder, onEvent: EventListener | undefined): BusExchange {
    const terms = this.parts.membership.ticketTerms();
    if (this.isStopped || this.parts.membership.state !== 'ready' || !terms) return unsent();
    const { to, payload, pattern, queue, budgetMs } = order;
    const message = encodeRequest(
      { ...terms, pattern, ...(queue === undefined ? {} : { queue }), ...(budgetMs === undefined ? {} : { budgetMs }) },
      payload,
    );
    const ticket: Ticket = { requester: this.parts.me, request: this.parts.drawId(), ...terms };
    const exchange = new Exchange(this.host, ticket, order, onEvent);
    this.exchanges.set(ticket.request, exchange);
    void exchange.end.then(this.parts.membership.watch(to));
    this.send(exchange, message);
    return exchange;
  }

  /** Takes a frame that came by the replies. */
  hear(frame: Frame): void {
    const { observer, address } = this.parts;
    const exchange = this.exchanges.get(frame.request);
    if (!exchange) {
      observer.dropped('stray', frame.request);
      // Somebody works for nobody, or waits for a credit that nobody gives.
      if (frame.kind === 'event' || frame.kind === 'probe') this.sendCancel(frame.from, frame.request).catch(() => {});
      return;
    }
    if (!address.isFrom(exchange.owner, frame)) observer.dropped('address', frame.request);
    else if (!exchange.take(frame)) observer.dropped('order', frame.request);
  }

  /** Frames for this worker may have been missed. */
  loseRelay(): void {
    for (const exchange of this.exchanges.values()) exchange.loseRelay();
  }

  loseWorker(worker: string): void {
    for (const exchange of this.exchanges.values()) if (exchange.owner === worker) exchange.loseOwner();
  }

  /** Ends all that is under way, and sends nothing more. */
  stop(): void {
    this.isStopped = true;
    this.loseRelay();
  }

  /** All parts at once: what is sent next to the same queue must not arrive between them. */
  private send(exchange: Exchange, message: Buffer): void {
    const { request } = exchange.ticket;
    const inbox: Address = { worker: exchange.owner, box: 'inbox' };
    const parts = this.parts.outbox.cut(inbox, request, message);
    const sent = parts.map((payload, number) =>
      this.parts.outbox
        .send(inbox, { kind: 'request', request, number, more: number + 1 < parts.length, payload })
        .then(
          (receivers) => this.judge(exchange, receivers),
          (error: unknown) => fail(exchange, error),
        ),
    );
    // So long a message may have taken a while by itself.
    if (parts.length > 1) void Promise.all(sent).then(() => exchange.awaitAccept());
  }

  private judge(exchange: Exchange, receivers: number): void {
    if (receivers > 1) this.parts.observer.alarm(`${receivers} workers hear the inbox of ${exchange.owner}.`);
    if (receivers === 0) exchange.doubt();
  }

  private tellCredit({ owner, ticket }: Exchange, consumedBytes: number): void {
    const inbox: Address = { worker: owner, box: 'inbox' };
    // One that is lost is made up for by the next, or by the answer to the owner's probe.
    this.parts.outbox.send(inbox, { kind: 'credit', request: ticket.request, number: consumedBytes }).catch(() => {});
  }

  /** A cancel that is lost leaves the owner at work; so it is sent until somebody has heard it. */
  private tellCancelled(owner: string, request: string, forMs: number): void {
    const isWanted = (): boolean => !this.isStopped;
    void persist(this.parts.timer, { forMs, pauseMs: REPLY_PAUSE_MS, isWanted }, async () => {
      return (await this.sendCancel(owner, request)) > 0;
    });
  }

  private sendCancel(owner: string, request: string): Promise<number> {
    return this.parts.outbox.send({ worker: owner, box: 'inbox' }, { kind: 'cancel', request });
  }
}

function fail(exchange: Exchange, error: unknown): void {
  if (mayHaveWorked(error)) exchange.doubt();
  else exchange.failToSend();
}

function unsent(): BusExchange {
  return { end: Promise.resolve(NOTHING_SENT), accepted: Promise.resolve(false), cancel: () => {} };
}
