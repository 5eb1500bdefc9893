import type { BusEnd, BusExchange, BusOrder } from '../bus.js';
import type { EndGate } from '../frames/end-gate.js';
import type { Frame } from '../frames/frame.js';
import type { FrameOrder } from '../frames/frame-order.js';
import { ACCEPT_WAIT_MS } from '../protocol.js';
import { Inflow, type EventListener } from './inflow.js';
import { takeBack, type RevokeParts } from './take-back.js';
import type { Ticket } from '../ports/index.js';

/** What an exchange needs of the worker that it belongs to. */
export interface ExchangeHost extends RevokeParts {
  readonly gate: EndGate;
  /** Publishes `cancel` to the owner, and tries again for a while unless it is gone. */
  tellCancelled(exchange: Exchange, isOwnerGone?: boolean): void;
  tellCredit(exchange: Exchange, consumedBytes: number): void;
  /** The exchange is over. */
  forget(exchange: Exchange, end: BusEnd): void;
  makeOrder(): FrameOrder;
}

/** Why a request is taken back, or given up where that is too late. */
type Reason = 'unreachable' | 'cancelled' | 'deadline' | 'owner-gone';

const GRAVITY: Readonly<Record<Reason, number>> = { unreachable: 0, cancelled: 1, 'owner-gone': 2, deadline: 2 };

const NOT_SENT: BusEnd = { kind: 'not-executed', cause: 'unavailable' };
const RELAY_LOST: BusEnd = { kind: 'unknown', cause: 'relay' };

/** One request under way, seen by the worker that asks. */
export class Exchange implements BusExchange {
  readonly end: Promise<BusEnd>;
  readonly accepted: Promise<boolean>;
  readonly owner: string;

  private readonly order: FrameOrder;
  private readonly inflow: Inflow;
  private readonly timers = new Set<() => void>();
  private resolveEnd: (end: BusEnd) => void = () => {};
  private resolveAccepted: (isAccepted: boolean) => void = () => {};
  private isAccepted = false;
  private isOver = false;
  /** The end has arrived whole: nothing that happens to the relay or the owner changes it. */
  private isComplete = false;
  private reason: Reason | undefined;
  private stopWaiting = (): void => {};

  constructor(
    private readonly host: ExchangeHost,
    readonly ticket: Ticket,
    { to, budgetMs }: Pick<BusOrder, 'to' | 'budgetMs'>,
    onEvent: EventListener | undefined,
  ) {
    this.owner = to;
    this.order = host.makeOrder();
    this.end = new Promise((resolve) => (this.resolveEnd = resolve));
    this.accepted = new Promise((resolve) => (this.resolveAccepted = resolve));
    this.inflow = new Inflow(onEvent, {
      credit: (bytes) => host.tellCredit(this, bytes),
      end: (message) => this.finish(host.gate.decode(message)),
      spoilt: () => this.giveUp({ kind: 'unknown', cause: 'gap' }),
    });
    if (budgetMs !== undefined) this.after(budgetMs, () => this.stop('deadline'));
    this.awaitAccept();
  }

  get request(): string {
    return this.ticket.request;
  }

  /** Waits for ACCEPT, from now on. */
  awaitAccept(): void {
    if (this.isAccepted || this.isOver || this.reason !== undefined) return;
    this.stopWaiting();
    this.stopWaiting = this.after(ACCEPT_WAIT_MS, () => this.stop('unreachable'));
  }

  cancel(): void {
    this.stop('cancelled');
  }

  /** It never left: a part of the request, or all of it, was certainly not published. */
  failToSend(): void {
    if (!this.isAccepted) this.finish(NOT_SENT);
  }

  /** Whether somebody has it cannot be told by waiting: the relay did not say, or says that nobody heard it. */
  doubt(): void {
    if (!this.isAccepted) this.stop('unreachable');
  }

  /** What the owner sent may have been missed. */
  loseRelay(): void {
    if (!this.isComplete) this.giveUp(RELAY_LOST);
  }

  loseOwner(): void {
    if (!this.isComplete) this.stop('owner-gone');
  }

  /** Takes a frame of the owner. Says whether it was expected. */
  take(frame: Frame): boolean {
    switch (frame.kind) {
      case 'accept':
        this.markAccepted();
        return true;
      case 'refuse':
        // A request that was accepted is not refused any more: this is an answer to a copy of it.
        if (!this.isAccepted) this.finish(this.host.gate.decodeRefusal(frame.payload));
        return true;
      case 'probe':
        this.inflow.repeatCredit();
        return true;
      case 'event':
      case 'end':
        this.markAccepted();
        return this.takePart(frame, frame.kind);
      default:
        return false;
    }
  }

  private takePart({ number, more, payload }: Frame, kind: 'event' | 'end'): boolean {
    const place = this.order.look(number);
    if (place === 'gap') this.giveUp({ kind: 'unknown', cause: 'gap' });
    if (place !== 'expected') return false;
    this.isComplete = kind === 'end' && !more;
    this.inflow.add({ kind, more, payload });
    return true;
  }

  private markAccepted(): void {
    if (this.isAccepted || this.isOver) return;
    this.isAccepted = true;
    this.stopWaiting();
    this.resolveAccepted(true);
    // What was to be done to a request that nobody had is now done to one that runs.
    if (this.reason !== undefined) this.stop(this.reason);
  }

  private stop(reason: Reason): void {
    if (this.isOver) return;
    if (this.isAccepted) this.stopAccepted(reason);
    else if (this.reason === undefined) this.takeBack(reason);
    // The relay's word comes soon; what is to be done then is the graver of the two.
    else if (GRAVITY[reason] > GRAVITY[this.reason]) this.reason = reason;
  }

  private stopAccepted(reason: Reason): void {
    switch (reason) {
      case 'unreachable':
        return;
      case 'cancelled':
        return this.host.tellCancelled(this);
      case 'deadline':
      case 'owner-gone':
        return this.giveUp({ kind: 'unknown', cause: reason });
    }
  }

  private takeBack(reason: Reason): void {
    this.reason = reason;
    this.stopWaiting();
    void takeBack(this.host, this.ticket, () => !this.isAccepted && !this.isOver).then((verdict) => {
      if (this.isOver) return;
      if (verdict === 'claimed') this.markAccepted();
      // Its owner has said meanwhile that it runs: the relay's word is needed no more.
      else if (this.isAccepted) return;
      else if (verdict === 'revoked') this.finish(this.takenBack());
      else this.giveUp(RELAY_LOST);
    });
  }

  private takenBack(): BusEnd {
    return { kind: 'not-executed', cause: this.reason === 'cancelled' ? 'cancelled' : 'unreachable' };
  }

  /** Ends it here while the owner may still be at it. */
  private giveUp(end: BusEnd): void {
    if (this.isOver) return;
    this.finish(end);
    this.host.tellCancelled(this, end.kind === 'unknown' && end.cause === 'owner-gone');
  }

  private finish(end: BusEnd): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    this.inflow.close();
    this.host.forget(this, end);
    this.resolveAccepted(false);
    this.resolveEnd(end);
  }

  private after(ms: number, run: () => void): () => void {
    const cancel = this.host.timer.after(ms, () => {
      this.timers.delete(cancel);
      run();
    });
    this.timers.add(cancel);
    return () => {
      cancel();
      this.timers.delete(cancel);
    };
  }
}
