import type { AnnounceReply, ClaimVerdict, RevokeVerdict, Ticket, WorkerPresence } from '#lib/worker-bus/testing';
import type { SeededRandom } from '../seeded-random.js';
import type { VirtualTime } from '../virtual-time.js';

/** Receives the frames of a channel; one for each connection of a subscriber. */
export type Subscriber = (channel: string, frame: Buffer) => void;

interface Entry {
  readonly value: string;
  /** Expiry by the clock of the node. */
  readonly until: number;
}

/** Checks that a node omits on purpose. */
export interface NodeFlaws {
  /** Grants every claim. */
  readonly grantsAllClaims: boolean;
  /** Grants claims of expired requests. */
  readonly ignoresLateness: boolean;
  /** Grants every revocation. */
  readonly grantsAllRevocations: boolean;
  /** Accepts tickets of another generation of the relay. */
  readonly ignoresGenerations: boolean;
}

const GENERATION_TTL_MS = 60_000;
const TOMBSTONE_TTL_MS = 86_400_000;
const DECISION_TTL_MS = 60_000;

/** Maximum offset between the clocks of two machines. */
const MAX_CLOCK_OFFSET_MS = 3_000;

/**
 * One Redis process: keys expire by its clock, scripts are atomic, and subscribers receive frames while they are
 * connected. Writes reach the replica later, one by one.
 */
export class RelayNode {
  /** Id of the process; changes at each start. */
  private readonly runId: string;
  /** Id of the data's history; changes when a replica takes over. */
  private readonly replicationId: string;
  private readonly clockOffset: number;
  private readonly entries = new Map<string, Entry>();
  private readonly channels = new Map<string, Set<Subscriber>>();
  /** Commands that wait while the process is frozen. */
  private waiting: (() => void)[] | undefined;
  private replica: Map<string, Entry> = new Map();
  private isUp = true;

  constructor(
    private readonly virtualTime: VirtualTime,
    private readonly random: SeededRandom,
    /** Replication lag; undefined without a replica. */
    private readonly lagMs: number | undefined,
    private readonly flaws: NodeFlaws,
  ) {
    this.runId = random.id();
    this.replicationId = random.id();
    this.clockOffset = random.between(0, MAX_CLOCK_OFFSET_MS);
  }

  get clock(): number {
    return this.virtualTime.now + this.clockOffset;
  }

  /** Promotes the replica, with the writes that have reached it. */
  promoteReplica(): RelayNode {
    const newOwner = new RelayNode(this.virtualTime, this.random, this.lagMs, this.flaws);
    for (const [key, entry] of this.replica) newOwner.write(key, entry);
    return newOwner;
  }

  /** Runs a command, after earlier ones. */
  enqueue(command: () => void): void {
    if (!this.isUp) return;
    if (this.waiting) this.waiting.push(command);
    else command();
  }

  freeze(): void {
    this.waiting ??= [];
  }

  thaw(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const command of waiting) command();
  }

  /** Stops the process. Waiting commands are never run. */
  stop(): void {
    this.isUp = false;
    this.channels.clear();
    this.waiting = undefined;
  }

  flushAll(): void {
    this.entries.clear();
    this.replicate((copy) => copy.clear());
  }

  subscribe(channel: string, subscriber: Subscriber): void {
    const subscribers = this.channels.get(channel) ?? new Set();
    this.channels.set(channel, subscribers.add(subscriber));
  }

  unsubscribe(subscriber: Subscriber): void {
    for (const subscribers of this.channels.values()) subscribers.delete(subscriber);
  }

  /** Returns the number of receivers. `isLost`: the frame counts as received but does not arrive. */
  publish(channel: string, frame: Buffer, isLost = false): number {
    const subscribers = [...(this.channels.get(channel) ?? [])];
    if (!isLost) for (const subscriber of subscribers) subscriber(channel, frame);
    return subscribers.length;
  }

  announce(worker: string, ttlMs: number): AnnounceReply {
    const token = this.read(`generation:${worker}`) ?? this.random.id();
    this.set(`generation:${worker}`, token, GENERATION_TTL_MS);
    const isFenced = this.has(`tombstone:${worker}`);
    if (!isFenced) this.set(`worker:${worker}`, 'announced', ttlMs);
    return { generation: this.generationWith(token), now: this.clock, fenced: isFenced };
  }

  /** Updates the list of alive workers, which is stored in another slot than the state of a worker. */
  list(worker: string, ttlMs: number): void {
    if (!this.has(`struck:${worker}`)) this.set(`listed:${worker}`, 'alive', ttlMs);
  }

  living(): string[] {
    const keys = [...this.entries.keys()].filter((key) => key.startsWith('listed:') && this.has(key));
    return keys.map((key) => key.slice('listed:'.length));
  }

  stateOf(worker: string): WorkerPresence {
    if (this.has(`tombstone:${worker}`)) return 'fenced';
    return this.has(`worker:${worker}`) ? 'alive' : 'missing';
  }

  fence(worker: string): boolean {
    if (this.has(`worker:${worker}`)) return this.has(`tombstone:${worker}`);
    this.mark(`tombstone:${worker}`);
    return true;
  }

  leave(worker: string): void {
    this.remove(`worker:${worker}`);
    this.mark(`tombstone:${worker}`);
  }

  /** Removes a worker permanently from the list of alive workers. */
  unlist(worker: string): void {
    this.mark(`struck:${worker}`);
    this.remove(`listed:${worker}`);
  }

  newOwnerOf(session: string): string | undefined {
    return this.read(`moved:${session}`);
  }

  recordNewOwner(session: string, newOwner: string): void {
    this.set(`moved:${session}`, newOwner, TOMBSTONE_TTL_MS);
  }

  /** Runs `publishAccept` atomically with a granted claim. */
  claim(ticket: Ticket, publishAccept: () => void): ClaimVerdict {
    const decided = this.flaws.grantsAllClaims ? undefined : this.read(callKey(ticket));
    if (!this.flaws.grantsAllClaims) {
      if (this.isStale(ticket)) return 'stale';
      if (decided) return decided === 'claimed' ? 'taken' : 'revoked';
      if (this.clock >= ticket.notAfter && !this.flaws.ignoresLateness) return 'late';
    }
    this.decide(ticket, 'claimed');
    publishAccept();
    return 'claimed';
  }

  revoke(ticket: Ticket): RevokeVerdict {
    if (this.flaws.grantsAllRevocations) return 'revoked';
    // The decision may have expired, so `not_executed` cannot be guaranteed any more.
    if (this.isStale(ticket) || this.clock >= ticket.notAfter + DECISION_TTL_MS) return 'stale';
    const decided = this.read(callKey(ticket));
    if (decided === 'claimed') return 'claimed';
    this.decide(ticket, 'revoked');
    return 'revoked';
  }

  private decide(ticket: Ticket, value: string): void {
    this.write(callKey(ticket), { value, until: ticket.notAfter + DECISION_TTL_MS });
  }

  private isStale(ticket: Ticket): boolean {
    if (this.flaws.ignoresGenerations) return false;
    const token = this.read(`generation:${ticket.requester}`);
    return token === undefined || this.generationWith(token) !== ticket.generation;
  }

  private generationWith(token: string): string {
    return `${this.runId}:${this.replicationId}:${token}`;
  }

  private read(key: string): string | undefined {
    const entry = this.entries.get(key);
    if (entry && entry.until > this.clock) return entry.value;
    this.entries.delete(key);
    return undefined;
  }

  private has(key: string): boolean {
    return this.read(key) !== undefined;
  }

  private mark(key: string): void {
    if (!this.has(key)) this.set(key, 'gone', TOMBSTONE_TTL_MS);
  }

  private set(key: string, value: string, ttlMs: number): void {
    this.write(key, { value, until: this.clock + ttlMs });
  }

  private write(key: string, entry: Entry): void {
    this.entries.set(key, entry);
    this.replicate((copy) => copy.set(key, entry));
  }

  private remove(key: string): void {
    this.entries.delete(key);
    this.replicate((copy) => copy.delete(key));
  }

  private replicate(change: (copy: Map<string, Entry>) => void): void {
    if (this.lagMs !== undefined) this.virtualTime.after(this.lagMs, () => this.isUp && change(this.replica), false);
  }
}

const callKey = ({ requester, request }: Ticket) => `call:${requester}:${request}`;
