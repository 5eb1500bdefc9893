import { ManualClock } from '#lib/testing/manual-clock';
import { randomBytes, type DecipherGCM } from 'node:crypto';
import type { BusContext, BusEnd, BusExchange, BusService } from './bus.js';
import { BusNode } from './bus-node.js';
import type { BusParts } from './bus-parts.js';
import { decodeFrame, type Frame } from './frames/frame.js';
import { FrameCipher } from './frames/frame-cipher.js';
import { BusObserver, type DropCause } from './observer.js';
import {
  RelayFailure,
  type Address,
  type AnnounceReply,
  type ClaimVerdict,
  type RevokeVerdict,
  type Ticket,
} from './ports/index.js';
import { MemoryRelay } from './relays/index.js';

export const SECRET = randomBytes(32);
/** Reads frames for the relay of a test, also those for other addresses; a real relay cannot. */
class FrameReader extends FrameCipher {
  protected override decrypt(decipher: DecipherGCM, encrypted: Buffer): Buffer {
    return decipher.update(encrypted);
  }
}

const READER = new FrameReader(SECRET);

/** A frame in transit. */
export interface FrameInTransit {
  readonly to: Address;
  readonly bytes: Buffer;
  readonly frame: Frame;
  /** Delivers the frame, or other bytes in its place. */
  deliver(bytes?: Buffer): Promise<number>;
}

/** A relay with faults that a test injects; it is faithful otherwise. */
export class FaultyRelay extends MemoryRelay {
  /** Handles each published frame. */
  onPublish: (inTransit: FrameInTransit) => Promise<number> = (inTransit) => inTransit.deliver();
  onClaim: (claim: () => Promise<ClaimVerdict>, ticket: Ticket) => Promise<ClaimVerdict> = (claim) => claim();
  onRevoke: (revoke: () => Promise<RevokeVerdict>) => Promise<RevokeVerdict> = (revoke) => revoke();
  onList: (list: () => Promise<readonly string[]>) => Promise<readonly string[]> = (list) => list();
  /** While set, every call fails with it. */
  outage: RelayFailure | undefined;
  /** The published frames, without canaries. */
  readonly published: Frame[] = [];
  listenCount = 0;
  private epoch = 0;
  private readonly listeners = new Set<() => void>();

  override listen(...args: Parameters<MemoryRelay['listen']>): Promise<void> {
    this.listenCount += 1;
    return this.unlessOutage(() => super.listen(...args));
  }

  override publish(to: Address, bytes: Buffer): Promise<number> {
    const content = READER.open(to, bytes);
    const frame = content && decodeFrame(content);
    if (!frame) throw new TypeError('Not a frame.');
    return this.unlessOutage(() => {
      if (frame.kind !== 'canary') this.published.push(frame);
      return this.onPublish({ to, bytes, frame, deliver: (given = bytes) => super.publish(to, given) });
    });
  }

  override onBroken(listener: () => void = () => {}): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  override claim(ticket: Ticket, accept: Buffer): Promise<ClaimVerdict> {
    const claim = () =>
      this.isStale(ticket) ? Promise.resolve('stale' as const) : super.claim(withoutEpoch(ticket), accept);
    return this.unlessOutage(() => this.onClaim(claim, ticket));
  }

  override revoke(ticket: Ticket): Promise<RevokeVerdict> {
    const revoke = () =>
      this.isStale(ticket) ? Promise.resolve('stale' as const) : super.revoke(withoutEpoch(ticket));
    return this.unlessOutage(() => this.onRevoke(revoke));
  }

  override announce(worker: string, ttlMs: number): Promise<AnnounceReply> {
    return this.unlessOutage(async () => {
      const announced = await super.announce(worker, ttlMs);
      return { ...announced, generation: `${announced.generation} ${this.epoch}` };
    });
  }

  override aliveWorkers(): Promise<readonly string[]> {
    return this.unlessOutage(() => this.onList(() => super.aliveWorkers()));
  }

  /** Breaks the connections of every worker, which recover at once. */
  breakConnections(): void {
    for (const listener of this.listeners) listener();
  }

  /** Starts a new generation, as a restart or a fail-over does: earlier decisions are void. */
  startNewGeneration(): void {
    this.epoch += 1;
  }

  private isStale({ generation }: Ticket): boolean {
    return !generation.endsWith(` ${this.epoch}`);
  }

  private unlessOutage<T>(run: () => Promise<T>): Promise<T> {
    return this.outage ? Promise.reject(this.outage) : run();
  }
}

function withoutEpoch(ticket: Ticket): Ticket {
  return { ...ticket, generation: ticket.generation.split(' ')[0] ?? '' };
}

type Handler = (payload: unknown, context: BusContext, pattern: string) => unknown;

/** Records the events of all nodes of a world. */
export class RecordingObserver extends BusObserver {
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

/** Several workers with a relay between them, and a timer that the test advances. */
export class BusWorld {
  readonly timer = new ManualClock();
  readonly relay = new FaultyRelay(this.timer);
  readonly observed = new RecordingObserver();
  private readonly nodes: BusNode[] = [];

  /** Starts a worker. */
  async node(me: string, handler: Handler = () => 'served', parts: Partial<BusParts> = {}): Promise<BusNode> {
    const { relay, timer, observed: notes } = this;
    const service: BusService = {
      handle: async (pattern, payload, context) => handler(payload, context, pattern),
    };
    const ports = { wire: relay, ledger: relay, directory: relay, timer, observer: notes };
    const node = new BusNode({ workerId: me, secret: SECRET, ...ports, service, ...parts });
    this.nodes.push(node);
    await node.start();
    return node;
  }

  /** Resolves once everything has happened that needs no time to pass. */
  settle(): Promise<void> {
    return this.timer.advance(0);
  }

  /** Advances the time and returns the end of an exchange; undefined if it has not ended by then. */
  async endWithin(ms: number, exchange: BusExchange): Promise<BusEnd | undefined> {
    let end: BusEnd | undefined;
    void exchange.end.then((reached) => (end = reached));
    await this.timer.advance(ms);
    return end;
  }

  publishedFrames(kind: Frame['kind']): Frame[] {
    return this.relay.published.filter((frame) => frame.kind === kind);
  }

  stop(): void {
    for (const node of this.nodes) node.stop();
  }
}

/** Returns a promise and the functions that settle it. */
export function deferred<T = void>(): {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
} {
  return Promise.withResolvers<T>();
}

/** The relay certainly did not execute the command. */
export const notAttempted = (): RelayFailure => new RelayFailure(false);
/** The relay may have executed the command. */
export const maybeAttempted = (): RelayFailure => new RelayFailure(true);
