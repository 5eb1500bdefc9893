import { RelayFailure, type Relay } from '#lib/worker-bus';
import type {
  Address,
  Announced,
  ClaimVerdict,
  Mailbox,
  RevokeVerdict,
  Ticket,
  WorkerState,
} from '#lib/worker-bus/testing';
import type { HeirRecords } from '../hand-over.js';
import type { Host } from '../host.js';
import type { CommandFates } from './command-fates.js';
import type { Connection } from './connection.js';
import { COMMAND_TIMEOUT_MS, Line } from './line.js';
import type { RelayNode } from './node.js';
import type { Guest, SimRedis } from './sim-redis.js';

/** Slot of the list of the living. */
const LIST = 'workers';

/** One worker's way to the relay: a connection for commands, one for what it listens to. */
export class RelayLink implements Relay, HeirRecords, Guest {
  private readonly commands: Line;
  private subscription: Line | undefined;
  private readonly broken = new Set<() => void>();
  private isSubscribed = false;
  private isCutOff = false;
  /** Whether all connections are there, so that no frame is missed. */
  private isWhole = false;

  constructor(
    private readonly redis: SimRedis,
    private readonly host: Host,
    private readonly fates: CommandFates,
    readonly worker: string,
  ) {
    const ends = { onUp: () => this.noteConnected(), onDown: () => this.noteBroken() };
    this.commands = new Line(redis, host, worker, ends);
    this.commands.connect();
    redis.join(this);
  }

  /** Over a new connection each time; the former one is given up. */
  async listen(worker: string, mailbox: Mailbox): Promise<void> {
    for (const box of ['inbox', 'replies'] as const) this.redis.fates.know(channelOf({ worker, box }));
    const former = this.subscription;
    former?.close();
    const { promise: subscribed, resolve, reject } = Promise.withResolvers<void>();
    const subscription = new Line(this.redis, this.host, worker, {
      onUp: (connection) => {
        const note = () => {
          this.isSubscribed = true;
          this.noteConnected();
          resolve();
        };
        connection.send(worker, (node) => subscribe(node, connection, worker, mailbox), note);
      },
      onDown: () => {
        this.isSubscribed = false;
        this.noteBroken();
      },
    });
    this.isSubscribed = false;
    this.subscription = subscription;
    // Between the former connection and the new one frames are missed.
    if (former) this.noteBroken();
    if (this.isCutOff) subscription.hold();
    subscription.connect();
    if (!subscription.isUp) throw new RelayFailure(false);
    const cancel = this.host.timer.after(COMMAND_TIMEOUT_MS, () => reject(new RelayFailure(true)));
    await subscribed.finally(cancel);
  }

  publish(to: Address, frame: Buffer): Promise<number> {
    const channel = channelOf(to);
    // Its own canary.
    if (to.worker === this.worker) return this.command(to.worker, (node) => node.publish(channel, frame));
    return this.decide(to.worker, (node) => this.redis.fates.publish({ node, channel, frame }));
  }

  onBroken(listener: () => void): () => void {
    this.broken.add(listener);
    return () => this.broken.delete(listener);
  }

  claim(ticket: Ticket, accept: Buffer): Promise<ClaimVerdict> {
    const channel = channelOf({ worker: ticket.requester, box: 'replies' });
    return this.decide(ticket.requester, (node) =>
      node.claim(ticket, () => this.redis.fates.publish({ node, channel, frame: accept })),
    );
  }

  revoke(ticket: Ticket): Promise<RevokeVerdict> {
    return this.decide(ticket.requester, (node) => node.revoke(ticket));
  }

  async announce(worker: string, ttlMs: number): Promise<Announced> {
    const announced = await this.command(worker, (node) => node.announce(worker, ttlMs));
    if (!announced.buried) await this.command(LIST, (node) => node.list(worker, ttlMs));
    return announced;
  }

  living(): Promise<readonly string[]> {
    return this.command(LIST, (node) => node.living());
  }

  stateOf(worker: string): Promise<WorkerState> {
    return this.command(worker, (node) => node.stateOf(worker));
  }

  async bury(worker: string): Promise<boolean> {
    const isBuried = await this.command(worker, (node) => node.bury(worker));
    if (isBuried) await this.command(LIST, (node) => node.strike(worker));
    return isBuried;
  }

  async leave(worker: string): Promise<void> {
    await this.command(worker, (node) => node.leave(worker));
    await this.command(LIST, (node) => node.strike(worker));
  }

  heirOf(session: string): Promise<string | undefined> {
    return this.command(session, (node) => node.heirOf(session));
  }

  rememberHeir(session: string, heir: string): Promise<void> {
    return this.command(session, (node) => node.rememberHeir(session, heir));
  }

  /** Connections break. */
  reset(which: 'both' | 'commands' | 'subscription'): void {
    if (which !== 'subscription') this.commands.lose();
    if (which !== 'commands') this.subscription?.lose();
  }

  /** Nothing gets through. `resets`: what was under way is lost; else TCP brings it afterwards. */
  cutOff(forMs: number, resets: boolean): void {
    this.isCutOff = true;
    this.commands.hold();
    this.subscription?.hold();
    this.redis.universe.after(forMs, () => {
      this.isCutOff = false;
      if (resets) this.reset('both');
      this.commands.release();
      this.subscription?.release();
    });
  }

  /** The process is gone, and its connections with it. */
  close(): void {
    this.redis.leave(this);
    this.commands.close();
    this.subscription?.close();
  }

  onNodeGone(node: RelayNode): void {
    this.commands.loseWith(node);
    this.subscription?.loseWith(node);
  }

  private decide<T>(slot: string, run: (node: RelayNode) => T): Promise<T> {
    return this.commands.ask(slot, run, this.fates.next());
  }

  private command<T>(slot: string, run: (node: RelayNode) => T): Promise<T> {
    return this.commands.ask(slot, run);
  }

  private noteConnected(): void {
    this.isWhole = this.commands.isUp && this.isSubscribed;
  }

  /** One break may cut several connections: it is told once, until all are there again. */
  private noteBroken(): void {
    if (!this.isWhole) return;
    this.isWhole = false;
    for (const listener of this.broken) listener();
  }
}

function subscribe(node: RelayNode, connection: Connection, worker: string, mailbox: Mailbox): void {
  const inbox = channelOf({ worker, box: 'inbox' });
  const replies = channelOf({ worker, box: 'replies' });
  const subscriber = (channel: string, frame: Buffer) => {
    connection.push(() => (channel === inbox ? mailbox.request(frame) : mailbox.reply(frame)));
  };
  node.subscribe(inbox, subscriber);
  node.subscribe(replies, subscriber);
  connection.onClose(() => node.unsubscribe(subscriber));
}

const channelOf = ({ worker, box }: Address) => `${box}:${worker}`;
