import { mayHaveSucceeded } from '../retry.js';
import type { Address, Mailbox } from '../ports/index.js';
import { HEARTBEAT_INTERVAL_MS, SUBSCRIBE_TIMEOUT_MS } from '../protocol.js';
import type { MembershipParts } from './membership-parts.js';

/**
 * Proves that this worker receives its frames. A subscription can be lost silently, and then every request would end
 * unknown. The worker sends a canary to its own inbox; only its arrival proves the subscription.
 */
export class SubscriptionProof {
  private isSubscribed = false;
  private isSubscribing = false;
  private triedAt = -Infinity;
  private proven = false;
  /** The last canary may not have been sent. */
  private isUncertain = false;
  private canary: string | undefined;
  private settle = (): void => {};

  constructor(
    private readonly parts: Pick<MembershipParts, 'workerId' | 'wire' | 'timer' | 'outbox' | 'observer' | 'createId'>,
    private readonly mailbox: Mailbox,
    private readonly onChange: () => void,
  ) {}

  get isProven(): boolean {
    return this.proven;
  }

  /**
   * Sends the next canary. A proven subscription stays proven meanwhile; otherwise this resolves when the canary
   * arrives or fails, at most after one heartbeat interval. Never rejects.
   */
  async renew(): Promise<void> {
    if (this.proven && this.canary !== undefined) return;
    const canary = this.parts.createId();
    this.canary = canary;
    const { promise: back, resolve } = Promise.withResolvers<void>();
    const forget = this.parts.timer.after(HEARTBEAT_INTERVAL_MS, () => this.fail(canary));
    this.settle = () => {
      forget();
      resolve();
    };
    this.send(canary).catch((error: unknown) => this.recordMiss(canary, error));
    if (!this.proven) await back;
  }

  /** Receives a canary. An older one proves nothing: the connection may have broken since. */
  receiveCanary(canary: string): void {
    if (canary !== this.canary) return;
    this.canary = undefined;
    this.proven = true;
    this.isSubscribed = true;
    this.isUncertain = false;
    this.onChange();
    this.settle();
  }

  /** Discards the proof, and the canary in flight. */
  invalidate(): void {
    this.proven = false;
    this.canary = undefined;
    this.settle();
  }

  private async send(canary: string): Promise<void> {
    const { workerId, outbox, observer } = this.parts;
    if (this.mustSubscribe()) await this.subscribe();
    const inbox: Address = { worker: workerId, box: 'inbox' };
    const receivers = await outbox.send(inbox, { kind: 'canary', request: canary });
    if (receivers > 1) observer.alarm(`${receivers} workers receive the inbox of ${workerId}.`);
    if (receivers === 0) this.fail(canary);
  }

  /** Limits the rate: a relay restores broken connections itself, and each new subscription replaces the one before. */
  private mustSubscribe(): boolean {
    const age = this.parts.timer.monotonicNow() - this.triedAt;
    return !this.isSubscribed && age >= (this.isSubscribing ? SUBSCRIBE_TIMEOUT_MS : HEARTBEAT_INTERVAL_MS);
  }

  private async subscribe(): Promise<void> {
    this.triedAt = this.parts.timer.monotonicNow();
    this.isSubscribing = true;
    try {
      await this.parts.wire.listen(this.parts.workerId, this.mailbox);
      this.isSubscribed = true;
    } finally {
      this.isSubscribing = false;
    }
  }

  /** A single late reply is not an outage; the next canary decides. */
  private recordMiss(canary: string, error: unknown): void {
    if (!this.proven || this.isUncertain || !mayHaveSucceeded(error)) return this.fail(canary);
    if (canary !== this.canary) return;
    this.isUncertain = true;
    this.canary = undefined;
    this.settle();
  }

  private fail(canary: string): void {
    if (canary !== this.canary) return;
    this.invalidate();
    // Subscribe again: the subscription itself may be lost.
    this.isSubscribed = false;
    this.onChange();
  }
}
