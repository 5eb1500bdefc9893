import type { Announced, ClaimVerdict, RevokeVerdict, Ticket, WorkerState } from '#lib/worker-bus/testing';
import type { Chance } from '../chance.js';
import type { Universe } from '../universe.js';

/** Takes what is published on a channel; one per connection of a subscriber. */
export type Subscriber = (channel: string, frame: Buffer) => void;

interface Entry {
  readonly value: string;
  /** By the clock of the node. */
  readonly until: number;
}

/** What a node may be made to forget to check, to see whether anybody notices. */
export interface NodeFlaws {
  /** Every claim is granted. */
  readonly grantsAllClaims: boolean;
  /** A request can be claimed however old it is. */
  readonly ignoresLateness: boolean;
  /** Every request can be taken back. */
  readonly grantsAllRevocations: boolean;
  /** Tickets of another state of the relay count like those of this one. */
  readonly ignoresGenerations: boolean;
}

const GENERATION_TTL_MS = 60_000;
const TOMBSTONE_TTL_MS = 86_400_000;
const DECISION_TTL_MS = 60_000;

/** How far the clocks of two machines may be apart. */
const WORST_CLOCK_OFFSET_MS = 3_000;

/**
 * One Redis process: keys that expire by its own clock, scripts that run undivided, subscribers that get what is
 * published while they are there. Writes reach its replica later, one by one.
 */
export class RelayNode {
  /** Of the process: a new one at each start. */
  private readonly runId: string;
  /** Of the history of its data: a new one when a replica takes over. */
  private readonly replicationId: string;
  private readonly clockOffset: number;
  private readonly entries = new Map<string, Entry>();
  private readonly channels = new Map<string, Set<Subscriber>>();
  /** Commands that wait while the process is frozen. */
  private waiting: (() => void)[] | undefined;
  private replica: Map<string, Entry> = new Map();
  private isUp = true;

  constructor(
    private readonly universe: Universe,
    private readonly chance: Chance,
    /** How far behind its replica is. Undefined: it has none. */
    private readonly lagMs: number | undefined,
    private readonly flaws: NodeFlaws,
  ) {
    this.runId = chance.id();
    this.replicationId = chance.id();
    this.clockOffset = chance.between(0, WORST_CLOCK_OFFSET_MS);
  }

  get clock(): number {
    return this.universe.now + this.clockOffset;
  }

  /** A process that had followed this one, with what had reached it, and takes over. */
  promoteReplica(): RelayNode {
    const heir = new RelayNode(this.universe, this.chance, this.lagMs, this.flaws);
    for (const [key, entry] of this.replica) heir.write(key, entry);
    return heir;
  }

  /** Runs a command in its turn. */
  take(command: () => void): void {
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

  /** Whatever it was asked and has not done is never done. */
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

  /** Says how many receive it. `isLost`: their connections take it, and it comes to nothing on the way. */
  publish(channel: string, frame: Buffer, isLost = false): number {
    const subscribers = [...(this.channels.get(channel) ?? [])];
    if (!isLost) for (const subscriber of subscribers) subscriber(channel, frame);
    return subscribers.length;
  }

  announce(worker: string, ttlMs: number): Announced {
    const token = this.read(`generation:${worker}`) ?? this.chance.id();
    this.set(`generation:${worker}`, token, GENERATION_TTL_MS);
    const buried = this.has(`tombstone:${worker}`);
    if (!buried) this.set(`worker:${worker}`, 'announced', ttlMs);
    return { generation: this.generationWith(token), now: this.clock, buried };
  }

  /** The list of the living lies elsewhere than what is known of each: a step of its own. */
  list(worker: string, ttlMs: number): void {
    if (!this.has(`struck:${worker}`)) this.set(`listed:${worker}`, 'alive', ttlMs);
  }

  living(): string[] {
    const keys = [...this.entries.keys()].filter((key) => key.startsWith('listed:') && this.has(key));
    return keys.map((key) => key.slice('listed:'.length));
  }

  stateOf(worker: string): WorkerState {
    if (this.has(`tombstone:${worker}`)) return 'buried';
    return this.has(`worker:${worker}`) ? 'alive' : 'missing';
  }

  bury(worker: string): boolean {
    if (this.has(`worker:${worker}`)) return this.has(`tombstone:${worker}`);
    this.mark(`tombstone:${worker}`);
    return true;
  }

  leave(worker: string): void {
    this.remove(`worker:${worker}`);
    this.mark(`tombstone:${worker}`);
  }

  /** Takes a worker off the list of the living for good. */
  strike(worker: string): void {
    this.mark(`struck:${worker}`);
    this.remove(`listed:${worker}`);
  }

  heirOf(session: string): string | undefined {
    return this.read(`moved:${session}`);
  }

  rememberHeir(session: string, heir: string): void {
    this.set(`moved:${session}`, heir, TOMBSTONE_TTL_MS);
  }

  /** `publishAccept` runs in the same step as a claim that is won. */
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
    // What was decided may be forgotten by now: that it did not run can no longer be said.
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
    if (this.lagMs !== undefined) this.universe.after(this.lagMs, () => this.isUp && change(this.replica), false);
  }
}

const callKey = ({ requester, request }: Ticket) => `call:${requester}:${request}`;
