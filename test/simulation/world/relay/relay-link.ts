import { RelayFailure, type Relay } from '#lib/worker-bus';
import type {
  Address,
  AnnounceReply,
  ClaimVerdict,
  Mailbox,
  RevokeVerdict,
  Ticket,
  WorkerPresence,
} from '#lib/worker-bus/testing';
import type { HandoffRecords } from '../handoff.js';
import type { Host } from '../host.js';
import type { CommandFaultPlan } from './command-faults.js';
import type { Connection } from './connection.js';
import { COMMAND_TIMEOUT_MS, ReconnectingConnection } from './reconnecting-connection.js';
import type { RelayNode } from './relay-node.js';
import type { RelayClient, SimRedis } from './sim-redis.js';

/** Slot of the list of alive workers. */
const WORKER_LIST = 'workers';

/** One worker's connections to the relay: one for commands, one for its subscription. */
export class RelayLink implements Relay, HandoffRecords, RelayClient {
  private readonly commands: ReconnectingConnection;
  private subscription: ReconnectingConnection | undefined;
  private readonly brokenListeners = new Set<() => void>();
  private isSubscribed = false;
  private isCutOff = false;
  /** Whether all connections are open, so that no frame is missed. */
  private isFullyConnected = false;

  constructor(
    private readonly redis: SimRedis,
    private readonly host: Host,
    private readonly faultPlan: CommandFaultPlan,
    readonly worker: string,
  ) {
    const ends = { onUp: () => this.handleConnected(), onDown: () => this.handleBroken() };
    this.commands = new ReconnectingConnection(redis, host, worker, ends);
    this.commands.connect();
    redis.join(this);
  }

  /** Subscribes over a new connection and closes the previous one. */
  async listen(worker: string, mailbox: Mailbox): Promise<void> {
    for (const box of ['inbox', 'replies'] as const) this.redis.faultPlan.addChannel(channelOf({ worker, box }));
    const former = this.subscription;
    former?.close();
    const { promise: subscribed, resolve, reject } = Promise.withResolvers<void>();
    const subscription = new ReconnectingConnection(this.redis, this.host, worker, {
      onUp: (connection) => {
        const note = () => {
          this.isSubscribed = true;
          this.handleConnected();
          resolve();
        };
        connection.send(worker, (node) => subscribe(node, connection, worker, mailbox), note);
      },
      onDown: () => {
        this.isSubscribed = false;
        this.handleBroken();
      },
    });
    this.isSubscribed = false;
    this.subscription = subscription;
    // Frames are missed between the previous connection and the new one.
    if (former) this.handleBroken();
    if (this.isCutOff) subscription.hold();
    subscription.connect();
    if (!subscription.isUp) throw new RelayFailure(false);
    const cancel = this.host.timer.after(COMMAND_TIMEOUT_MS, () => reject(new RelayFailure(true)));
    await subscribed.finally(cancel);
  }

  publish(to: Address, frame: Buffer): Promise<number> {
    const channel = channelOf(to);
    // The worker's own canary.
    if (to.worker === this.worker) return this.command(to.worker, (node) => node.publish(channel, frame));
    return this.decide(to.worker, (node) => this.redis.faultPlan.publish({ node, channel, frame }));
  }

  onBroken(listener: () => void): () => void {
    this.brokenListeners.add(listener);
    return () => this.brokenListeners.delete(listener);
  }

  claim(ticket: Ticket, accept: Buffer): Promise<ClaimVerdict> {
    const channel = channelOf({ worker: ticket.requester, box: 'replies' });
    return this.decide(ticket.requester, (node) =>
      node.claim(ticket, () => this.redis.faultPlan.publish({ node, channel, frame: accept })),
    );
  }

  revoke(ticket: Ticket): Promise<RevokeVerdict> {
    return this.decide(ticket.requester, (node) => node.revoke(ticket));
  }

  async announce(worker: string, ttlMs: number): Promise<AnnounceReply> {
    const announced = await this.command(worker, (node) => node.announce(worker, ttlMs));
    if (!announced.fenced) await this.command(WORKER_LIST, (node) => node.list(worker, ttlMs));
    return announced;
  }

  aliveWorkers(): Promise<readonly string[]> {
    return this.command(WORKER_LIST, (node) => node.living());
  }

  presenceOf(worker: string): Promise<WorkerPresence> {
    return this.command(worker, (node) => node.stateOf(worker));
  }

  async fence(worker: string): Promise<boolean> {
    const isFenced = await this.command(worker, (node) => node.fence(worker));
    if (isFenced) await this.command(WORKER_LIST, (node) => node.unlist(worker));
    return isFenced;
  }

  async leave(worker: string): Promise<void> {
    await this.command(worker, (node) => node.leave(worker));
    await this.command(WORKER_LIST, (node) => node.unlist(worker));
  }

  newOwnerOf(session: string): Promise<string | undefined> {
    return this.command(session, (node) => node.newOwnerOf(session));
  }

  recordNewOwner(session: string, newOwner: string): Promise<void> {
    return this.command(session, (node) => node.recordNewOwner(session, newOwner));
  }

  /** Breaks connections. */
  reset(which: 'both' | 'commands' | 'subscription'): void {
    if (which !== 'subscription') this.commands.breakOff();
    if (which !== 'commands') this.subscription?.breakOff();
  }

  /**
   * Blocks all messages for a while. With `resets` messages in transit are lost; otherwise TCP delivers them
   * afterwards.
   */
  cutOff(forMs: number, resets: boolean): void {
    this.isCutOff = true;
    this.commands.hold();
    this.subscription?.hold();
    this.redis.virtualTime.after(forMs, () => {
      this.isCutOff = false;
      if (resets) this.reset('both');
      this.commands.release();
      this.subscription?.release();
    });
  }

  /** Closes all connections at the end of the process. */
  close(): void {
    this.redis.leave(this);
    this.commands.close();
    this.subscription?.close();
  }

  onNodeGone(node: RelayNode): void {
    this.commands.breakOffWith(node);
    this.subscription?.breakOffWith(node);
  }

  private decide<T>(slot: string, run: (node: RelayNode) => T): Promise<T> {
    return this.commands.send(slot, run, this.faultPlan.next());
  }

  private command<T>(slot: string, run: (node: RelayNode) => T): Promise<T> {
    return this.commands.send(slot, run);
  }

  private handleConnected(): void {
    this.isFullyConnected = this.commands.isUp && this.isSubscribed;
  }

  /** Notifies listeners once for a break, even when it affects several connections. */
  private handleBroken(): void {
    if (!this.isFullyConnected) return;
    this.isFullyConnected = false;
    for (const listener of this.brokenListeners) listener();
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
