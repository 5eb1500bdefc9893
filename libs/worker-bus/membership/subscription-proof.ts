import type { Address, Mailbox } from '../ports/index.js';
import { BEAT_MS } from '../protocol.js';
import type { MembershipParts } from './membership-parts.js';

/**
 * Whether what is sent to this worker arrives: a subscription can be lost without a word, and then every request would
 * end unknown. A canary is sent to the own inbox; only one that comes back proves anything.
 */
export class SubscriptionProof {
  private listening = false;
  private proven = false;
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

  /** Proves it anew. Resolves when the canary is back, or cannot come any more; at most after a beat. Never rejects. */
  async renew(): Promise<void> {
    const canary = this.parts.drawId();
    this.canary = canary;
    const back = new Promise<void>((resolve) => (this.settle = resolve));
    const forget = this.parts.timer.after(BEAT_MS, () => this.fail(canary));
    void this.send(canary).catch(() => this.fail(canary));
    await back;
    forget();
  }

  /** Takes a canary that came back. An older one proves nothing: the break may lie between. */
  hear(canary: string): void {
    if (canary !== this.canary) return;
    this.canary = undefined;
    this.proven = true;
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
    const { me, wire, outbox, observer } = this.parts;
    if (!this.listening) {
      await wire.listen(me, this.mailbox);
      this.listening = true;
    }
    const inbox: Address = { worker: me, box: 'inbox' };
    const receivers = await outbox.send(inbox, { kind: 'canary', request: canary });
    if (receivers > 1) observer.alarm(`${receivers} workers hear the inbox of ${me}.`);
    if (receivers === 0) this.fail(canary);
  }

  private fail(canary: string): void {
    if (canary !== this.canary) return;
    this.lose();
    // The subscription is asked for again: it may be the one that is gone.
    this.listening = false;
    this.changed();
  }
}
