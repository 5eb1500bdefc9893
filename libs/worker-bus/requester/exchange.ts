import type { BusEnd, BusExchange, BusRequest } from '../bus.js';
import type { EndGate } from '../frames/end-gate.js';
import type { Frame } from '../frames/frame.js';
import type { FrameOrder } from '../frames/frame-order.js';
import { ACCEPT_TIMEOUT_MS } from '../protocol.js';
import { IncomingStream, type EventListener } from './incoming-stream.js';
import { revokeRequest, type RevokeParts } from './revoke-request.js';
import type { Ticket } from '../ports/index.js';

/** What an exchange needs from its worker. */
export interface ExchangeHost extends RevokeParts {
  readonly gate: EndGate;
  /** Publishes `cancel` to the owner, with retries unless the owner is dead. */
  sendCancel(exchange: Exchange, isOwnerDead?: boolean): void;
  sendCredit(exchange: Exchange, consumedBytes: number): void;
  /** Called when the exchange has ended. */
  forget(exchange: Exchange, end: BusEnd): void;
  makeOrder(): FrameOrder;
}

/** Why a request is revoked, or abandoned if it is too late to revoke it. */
type StopReason = 'unreachable' | 'cancelled' | 'deadline' | 'owner-dead';

const REASON_PRIORITY: Readonly<Record<StopReason, number>> = {
  unreachable: 0,
  cancelled: 1,
  'owner-dead': 2,
  deadline: 2,
};

const NOT_SENT: BusEnd = { kind: 'not-executed', cause: 'unavailable' };
const RELAY_LOST: BusEnd = { kind: 'unknown', cause: 'relay' };

/** One request in flight, at its requester. */
export class Exchange implements BusExchange {
  readonly end: Promise<BusEnd>;
  readonly accepted: Promise<boolean>;
  readonly owner: string;

  private readonly order: FrameOrder;
  private readonly incoming: IncomingStream;
  private readonly timers = new Set<() => void>();
  private resolveEnd: (end: BusEnd) => void = () => {};
  private resolveAccepted: (isAccepted: boolean) => void = () => {};
  private isAccepted = false;
  private isEnded = false;
  /** The whole end has arrived: a failure of the relay or the owner no longer changes it. */
  private isComplete = false;
  private reason: StopReason | undefined;
  private stopWaiting = (): void => {};

  constructor(
    private readonly host: ExchangeHost,
    readonly ticket: Ticket,
    { to, budgetMs }: Pick<BusRequest, 'to' | 'budgetMs'>,
    onEvent: EventListener | undefined,
  ) {
    this.owner = to;
    this.order = host.makeOrder();
    this.end = new Promise((resolve) => (this.resolveEnd = resolve));
    this.accepted = new Promise((resolve) => (this.resolveAccepted = resolve));
    this.incoming = new IncomingStream(onEvent, {
      credit: (bytes) => host.sendCredit(this, bytes),
      end: (message) => this.finish(host.gate.decode(message)),
      failed: () => this.abandon({ kind: 'unknown', cause: 'gap' }),
    });
    if (budgetMs !== undefined) this.after(budgetMs, () => this.stop('deadline'));
    this.awaitAccept();
  }

  get request(): string {
    return this.ticket.request;
  }

  /** Starts, or restarts, the timeout for ACCEPT. */
  awaitAccept(): void {
    if (this.isAccepted || this.isEnded || this.reason !== undefined) return;
    this.stopWaiting();
    this.stopWaiting = this.after(ACCEPT_TIMEOUT_MS, () => this.stop('unreachable'));
  }

  cancel(): void {
    this.stop('cancelled');
  }

  /** A part of the request, or all of it, was certainly not published. */
  sendFailed(): void {
    if (!this.isAccepted) this.finish(NOT_SENT);
  }

  /** Waiting for ACCEPT is pointless: the relay did not confirm the publication, or no worker received it. */
  deliveryUncertain(): void {
    if (!this.isAccepted) this.stop('unreachable');
  }

  /** Frames of the owner may have been lost. */
  onRelayBroken(): void {
    if (!this.isComplete) this.abandon(RELAY_LOST);
  }

  onOwnerDead(): void {
    if (!this.isComplete) this.stop('owner-dead');
  }

  /** Receives a frame of the owner. Returns whether it was expected. */
  receive(frame: Frame): boolean {
    switch (frame.kind) {
      case 'accept':
        this.markAccepted();
        return true;
      case 'refuse':
        // An accepted request cannot be refused: this is the reply to a copy of it.
        if (!this.isAccepted) this.finish(this.host.gate.decodeRefusal(frame.payload));
        return true;
      case 'probe':
        this.incoming.repeatCredit();
        return true;
      case 'event':
      case 'end':
        this.markAccepted();
        return this.receivePart(frame, frame.kind);
      default:
        return false;
    }
  }

  private receivePart({ number, more, payload }: Frame, kind: 'event' | 'end'): boolean {
    const place = this.order.check(number);
    if (place === 'gap') this.abandon({ kind: 'unknown', cause: 'gap' });
    if (place !== 'expected') return false;
    this.isComplete = kind === 'end' && !more;
    this.incoming.add({ kind, more, payload });
    return true;
  }

  private markAccepted(): void {
    if (this.isAccepted || this.isEnded) return;
    this.isAccepted = true;
    this.stopWaiting();
    this.resolveAccepted(true);
    // The stop was meant for an unaccepted request; apply it to the one that now runs.
    if (this.reason !== undefined) this.stop(this.reason);
  }

  private stop(reason: StopReason): void {
    if (this.isEnded) return;
    if (this.isAccepted) this.stopAccepted(reason);
    else if (this.reason === undefined) this.revoke(reason);
    // The verdict of the relay arrives soon; the reason with the higher priority applies then.
    else if (REASON_PRIORITY[reason] > REASON_PRIORITY[this.reason]) this.reason = reason;
  }

  private stopAccepted(reason: StopReason): void {
    switch (reason) {
      case 'unreachable':
        return;
      case 'cancelled':
        return this.host.sendCancel(this);
      case 'deadline':
      case 'owner-dead':
        return this.abandon({ kind: 'unknown', cause: reason });
    }
  }

  private revoke(reason: StopReason): void {
    this.reason = reason;
    this.stopWaiting();
    void revokeRequest(this.host, this.ticket, () => !this.isAccepted && !this.isEnded).then((verdict) => {
      if (this.isEnded) return;
      if (verdict === 'claimed') this.markAccepted();
      // ACCEPT has arrived meanwhile, so the verdict of the relay is not needed.
      else if (this.isAccepted) return;
      else if (verdict === 'revoked') this.finish(this.toRevokedEnd());
      else this.abandon(RELAY_LOST);
    });
  }

  private toRevokedEnd(): BusEnd {
    return { kind: 'not-executed', cause: this.reason === 'cancelled' ? 'cancelled' : 'unreachable' };
  }

  /** Ends the exchange although the owner may still run the request. */
  private abandon(end: BusEnd): void {
    if (this.isEnded) return;
    this.finish(end);
    this.host.sendCancel(this, end.kind === 'unknown' && end.cause === 'owner-dead');
  }

  private finish(end: BusEnd): void {
    if (this.isEnded) return;
    this.isEnded = true;
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    this.incoming.close();
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
