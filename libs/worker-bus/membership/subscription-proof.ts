import { mayHaveWorked } from '../persist.js';
import type { Address, Mailbox } from '../ports/index.js';
import { BEAT_MS, LISTEN_MS } from '../protocol.js';
import type { MembershipParts } from './membership-parts.js';

/**
 * Whether what is sent to this worker arrives: a subscription can be lost without a word, and then every request would
 * end unknown. A canary is sent to the own inbox; only one that comes back proves anything.
 */
export class SubscriptionProof {
  private isListening = false;
  private isTrying = false;
  private triedAt = -Infinity;
  private proven = false;
  /** The last canary could perhaps not be sent. */
  private isDoubted = false;
  private canary: string | undefined;
  private settle = (): void => {};

  constructor(
    private readonly parts: Pick<MembershipParts, 'me' | 'wire' | 'timer' | 'outbox' | 'observer' | 'drawId'>,
    private readonly mailbox: Mailbox,
    private readonly changed: () => void,
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
    const canary = this.parts.drawId();
    this.canary = canary;
    const { promise: back, resolve } = Promise.withResolvers<void>();
    const forget = this.parts.timer.after(BEAT_MS, () => this.fail(canary));
    this.settle = () => {
      forget();
      resolve();
    };
    this.send(canary).catch((error: unknown) => this.miss(canary, error));
    if (!this.proven) await back;
  }

  /** Takes a canary that came back. An older one proves nothing: the break may lie between. */
  hear(canary: string): void {
    if (canary !== this.canary) return;
    this.canary = undefined;
    this.proven = true;
    this.isListening = true;
    this.isDoubted = false;
    this.changed();
    this.settle();
  }

  /** Nothing is proven any more, by no canary that is under way either. */
  lose(): void {
    this.proven = false;
    this.canary = undefined;
    this.settle();
  }

  private async send(canary: string): Promise<void> {
    const { me, outbox, observer } = this.parts;
    if (this.mustListen()) await this.listen();
    const inbox: Address = { worker: me, box: 'inbox' };
    const receivers = await outbox.send(inbox, { kind: 'canary', request: canary });
    if (receivers > 1) observer.alarm(`${receivers} workers hear the inbox of ${me}.`);
    if (receivers === 0) this.fail(canary);
  }

  /** Not too often: a relay restores what broke by itself, and each new subscription breaks the one before. */
  private mustListen(): boolean {
    const age = this.parts.timer.monotonicNow() - this.triedAt;
    return !this.isListening && age >= (this.isTrying ? LISTEN_MS : BEAT_MS);
  }

  private async listen(): Promise<void> {
    this.triedAt = this.parts.timer.monotonicNow();
    this.isTrying = true;
    try {
      await this.parts.wire.listen(this.parts.me, this.mailbox);
      this.isListening = true;
    } finally {
      this.isTrying = false;
    }
  }

  /** One answer that is late is no outage; the next canary tells. */
  private miss(canary: string, error: unknown): void {
    if (!this.proven || this.isDoubted || !mayHaveWorked(error)) return this.fail(canary);
    if (canary !== this.canary) return;
    this.isDoubted = true;
    this.canary = undefined;
    this.settle();
  }

  private fail(canary: string): void {
    if (canary !== this.canary) return;
    this.lose();
    // The subscription is asked for again: it may be the one that is gone.
    this.isListening = false;
    this.changed();
  }
}
