import { mayHaveSucceeded } from '../retry.js';
import type { Address, Mailbox } from '../ports/index.js';
import { HEARTBEAT_INTERVAL_MS, SUBSCRIBE_TIMEOUT_MS } from '../protocol.js';
import type { MembershipParts } from './membership-parts.js';

/**
 * Whether what is sent to this worker arrives: a subscription can be lost without a word, and then every request would
 * end unknown. A canary is sent to the own inbox; only one that comes back proves anything.
 */
export class SubscriptionProof {
  private isSubscribed = false;
  private isSubscribing = false;
  private triedAt = -Infinity;
  private proven = false;
  /** The last canary could perhaps not be sent. */
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
   * Proves it anew. What is proven stays so while a canary is under way; otherwise this resolves when the canary is
   * back, or cannot come any more, at most after a beat. Never rejects.
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

  /** Takes a canary that came back. An older one proves nothing: the break may lie between. */
  receiveCanary(canary: string): void {
    if (canary !== this.canary) return;
    this.canary = undefined;
    this.proven = true;
    this.isSubscribed = true;
    this.isUncertain = false;
    this.onChange();
    this.settle();
  }

  /** Nothing is proven any more, by no canary that is under way either. */
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
    if (receivers > 1) observer.alarm(`${receivers} workers hear the inbox of ${workerId}.`);
    if (receivers === 0) this.fail(canary);
  }

  /** Not too often: a relay restores what broke by itself, and each new subscription breaks the one before. */
  private mustSubscribe(): boolean {
    const age = this.parts.timer.now() - this.triedAt;
    return !this.isSubscribed && age >= (this.isSubscribing ? SUBSCRIBE_TIMEOUT_MS : HEARTBEAT_INTERVAL_MS);
  }

  private async subscribe(): Promise<void> {
    this.triedAt = this.parts.timer.now();
    this.isSubscribing = true;
    try {
      await this.parts.wire.listen(this.parts.workerId, this.mailbox);
      this.isSubscribed = true;
    } finally {
      this.isSubscribing = false;
    }
  }

  /** One answer that is late is no outage; the next canary tells. */
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
    // The subscription is asked for again: it may be the one that is gone.
    this.isSubscribed = false;
    this.onChange();
  }
}
