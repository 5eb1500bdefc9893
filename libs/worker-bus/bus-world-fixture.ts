import { ManualClock } from '#lib/testing/manual-clock';
import { randomBytes } from 'node:crypto';
import type { BusContext, BusEnd, BusExchange, BusService } from './bus.js';
import { BusNode } from './bus-node.js';
import type { BusParts } from './bus-parts.js';
import { decodeFrame, type Frame } from './frames/frame.js';
import { SEAL_BYTES } from './frames/frame-seal.js';
import { BusObserver, type DropCause } from './observer.js';
import {
  RelayFailure,
  type Address,
  type Announced,
  type ClaimVerdict,
  type RevokeVerdict,
  type Ticket,
} from './ports/index.js';
import { MemoryRelay } from './relays/index.js';

/** A frame on its way. */
export interface Passing {
  readonly to: Address;
  readonly bytes: Buffer;
  readonly frame: Frame;
  /** Lets it through, or other bytes in its place. */
  deliver(bytes?: Buffer): Promise<number>;
}

/** A relay that does what a test wants, and is faithful otherwise. */
export class FaultyRelay extends MemoryRelay {
  /** What becomes of a frame. */
  carry: (passing: Passing) => Promise<number> = (passing) => passing.deliver();
  claiming: (claim: () => Promise<ClaimVerdict>, ticket: Ticket) => Promise<ClaimVerdict> = (claim) => claim();
  revoking: (revoke: () => Promise<RevokeVerdict>) => Promise<RevokeVerdict> = (revoke) => revoke();
  listing: (list: () => Promise<readonly string[]>) => Promise<readonly string[]> = (list) => list();
  /** While set, everything fails so. */
  outage: RelayFailure | undefined;
  /** The frames that were published, canaries left out. */
  readonly published: Frame[] = [];
  listens = 0;
  private epoch = 0;
  private readonly listeners = new Set<() => void>();

  override listen(...args: Parameters<MemoryRelay['listen']>): Promise<void> {
    this.listens += 1;
    return this.unlessOut(() => super.listen(...args));
  }

  override publish(to: Address, bytes: Buffer): Promise<number> {
    const frame = decodeFrame(bytes.subarray(SEAL_BYTES));
    if (!frame) throw new TypeError('That is no frame.');
    return this.unlessOut(() => {
      if (frame.kind !== 'canary') this.published.push(frame);
      return this.carry({ to, bytes, frame, deliver: (given = bytes) => super.publish(to, given) });
    });
  }

  override onBroken(listener: () => void = () => {}): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  override claim(ticket: Ticket, accept: Buffer): Promise<ClaimVerdict> {
    const claim = () => (this.isStale(ticket) ? Promise.resolve('stale' as const) : super.claim(bare(ticket), accept));
    return this.unlessOut(() => this.claiming(claim, ticket));
  }

  override revoke(ticket: Ticket): Promise<RevokeVerdict> {
    const revoke = () => (this.isStale(ticket) ? Promise.resolve('stale' as const) : super.revoke(bare(ticket)));
    return this.unlessOut(() => this.revoking(revoke));
  }

  override announce(worker: string, ttlMs: number): Promise<Announced> {
    return this.unlessOut(async () => {
      const announced = await super.announce(worker, ttlMs);
      return { ...announced, generation: `${announced.generation} ${this.epoch}` };
    });
  }

  override living(): Promise<readonly string[]> {
    return this.unlessOut(() => this.listing(() => super.living()));
  }

  /** The connections of every worker break, and are there again. */
  breakUp(): void {
    for (const listener of this.listeners) listener();
  }

  /** As after a restart or a fail-over: nothing that was decided counts. */
  renew(): void {
    this.epoch += 1;
  }

  private isStale({ generation }: Ticket): boolean {
    return !generation.endsWith(` ${this.epoch}`);
  }

  private unlessOut<T>(run: () => Promise<T>): Promise<T> {
    return this.outage ? Promise.reject(this.outage) : run();
  }
}

function bare(ticket: Ticket): Ticket {
  return { ...ticket, generation: ticket.generation.split(' ')[0] ?? '' };
}

type Handler = (payload: unknown, context: BusContext, pattern: string) => unknown;

/** What was dropped and alarmed, by all nodes of a world. */
export class Notes extends BusObserver {
  readonly alarms: string[] = [];
  readonly drops: DropCause[] = [];
  readonly availabilities: boolean[] = [];

  override alarm(message: string): void {
    this.alarms.push(message);
  }

  override dropped(cause: DropCause): void {
    this.drops.push(cause);
  }

  override availability(isAvailable: boolean): void {
    this.availabilities.push(isAvailable);
  }
}

export const SECRET = randomBytes(32);

/** Some workers, a relay between them, and time that a test moves. */
export class BusWorld {
  readonly timer = new ManualClock();
  readonly relay = new FaultyRelay(this.timer);
  readonly notes = new Notes();
  private readonly nodes: BusNode[] = [];

  /** A worker that is up. */
  async node(me: string, handler: Handler = () => 'served', parts: Partial<BusParts> = {}): Promise<BusNode> {
    const { relay, timer, notes } = this;
    const service: BusService = {
      handle: async (pattern, payload, context) => handler(payload, context, pattern),
    };
    const ports = { wire: relay, ledger: relay, directory: relay, timer, observer: notes };
    const node = new BusNode({ me, secret: SECRET, ...ports, service, ...parts });
    this.nodes.push(node);
    await node.start();
    return node;
  }

  /** What can happen without time passing has happened. */
  settle(): Promise<void> {
    return this.timer.advance(0);
  }

  /** The end of an exchange within so many ms; undefined if it has none by then. */
  async endWithin(ms: number, exchange: BusExchange): Promise<BusEnd | undefined> {
    let end: BusEnd | undefined;
    void exchange.end.then((told) => (end = told));
    await this.timer.advance(ms);
    return end;
  }

  framesOf(kind: Frame['kind']): Frame[] {
    return this.relay.published.filter((frame) => frame.kind === kind);
  }

  stop(): void {
    for (const node of this.nodes) node.stop();
  }
}

/** A promise and how to settle it. */
export function gate<T = void>(): { readonly passed: Promise<T>; open(value: T): void; fail(error: unknown): void } {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  return { passed: promise, open: resolve, fail: reject };
}

/** The relay did not carry it out. */
export const untried = (): RelayFailure => new RelayFailure(false);
/** The relay may have carried it out. */
export const unsaid = (): RelayFailure => new RelayFailure(true);
