import {
  RelayFailure,
  type Address,
  type Announced,
  type ClaimVerdict,
  type Mailbox,
  type Relay,
  type RevokeVerdict,
  type Ticket,
  type WorkerState,
} from '#lib/worker-bus';
import type { Host } from '../host.js';
import type { CommandFates, CommandFault } from './command-fates.js';
import { Connection } from './connection.js';
import type { RelayNode } from './node.js';
import type { Guest, SimRedis } from './sim-redis.js';

const COMMAND_TIMEOUT_MS = 250;
const LONGEST_PAUSE_MS = 500;

/** One worker's way to the relay: a connection for commands, one for what it listens to. */
export class RelayLink implements Relay, Guest {
  private commands: Connection | undefined;
  private subscription: Connection | undefined;
  private readonly broken = new Set<() => void>();
  private readonly pending = new Set<(failure: RelayFailure) => void>();
  private mailbox: { readonly worker: string; readonly mailbox: Mailbox } | undefined;
  private isCutOff = false;
  private isReconnecting = false;

  constructor(
    private readonly redis: SimRedis,
    private readonly host: Host,
    private readonly fates: CommandFates,
    readonly worker: string,
  ) {
    redis.join(this);
    this.connect();
  }

  async listen(worker: string, mailbox: Mailbox): Promise<void> {
    this.mailbox = { worker, mailbox };
    for (const box of ['inbox', 'replies'] as const) this.redis.fates.know(channelOf({ worker, box }));
    const { subscription } = this;
    if (!subscription) throw new RelayFailure(false);
    await this.ask(subscription, worker, (node) => this.subscribeAt(node, subscription));
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

  announce(worker: string, ttlMs: number): Promise<Announced> {
    return this.command(worker, (node) => node.announce(worker, ttlMs));
  }

  living(): Promise<readonly string[]> {
    return this.command('workers', (node) => node.living());
  }

  stateOf(worker: string): Promise<WorkerState> {
    return this.command(worker, (node) => node.stateOf(worker));
  }

  bury(worker: string): Promise<boolean> {
    return this.command(worker, (node) => node.bury(worker));
  }

  leave(worker: string): Promise<void> {
    return this.command(worker, (node) => node.leave(worker));
  }

  /** The connections are reset. */
  reset(): void {
    this.lose();
    this.reconnect();
  }

  /** Nothing gets through. `resets`: what was under way is lost; else TCP brings it afterwards. */
  cutOff(forMs: number, resets: boolean): void {
    this.isCutOff = true;
    this.commands?.hold();
    this.subscription?.hold();
    this.redis.universe.after(forMs, () => {
      this.isCutOff = false;
      if (resets) this.reset();
      this.commands?.release();
      this.subscription?.release();
    });
  }

  /** The process is gone, and its connections with it. */
  close(): void {
    this.redis.leave(this);
    this.drop();
  }

  /** What was on its way may still arrive before the end of the connection does. */
  onNodeGone(node: RelayNode): void {
    const notice = () => this.commands?.node === node && this.reset();
    this.redis.universe.after(this.redis.latency(), notice);
  }

  private decide<T>(slot: string, run: (node: RelayNode) => T): Promise<T> {
    return this.command(slot, run, this.fates.next());
  }

  private command<T>(slot: string, run: (node: RelayNode) => T, fault?: CommandFault['kind']): Promise<T> {
    return this.commands ? this.ask(this.commands, slot, run, fault) : Promise.reject(new RelayFailure(false));
  }

  private ask<T>(
    connection: Connection,
    slot: string,
    run: (node: RelayNode) => T,
    fault?: CommandFault['kind'],
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const fail = (failure: RelayFailure) => {
        this.pending.delete(fail);
        cancel();
        reject(failure);
      };
      const cancel = this.host.timer.after(COMMAND_TIMEOUT_MS, () => fail(new RelayFailure(true)));
      this.pending.add(fail);
      if (fault === 'lose-command') return;
      connection.send(slot, run, (answer) => {
        if (fault === 'lose-answer' || !this.pending.delete(fail)) return;
        cancel();
        resolve(answer);
      });
    });
  }

  private connect(): void {
    const node = this.isCutOff ? undefined : this.redis.masterFor(this.worker);
    if (!node) return this.reconnect();
    this.commands = new Connection(this.redis, this.host, node);
    this.subscription = new Connection(this.redis, this.host, node);
    const { subscription, mailbox } = this;
    if (mailbox)
      subscription.send(
        this.worker,
        () => this.subscribeAt(node, subscription),
        () => {},
      );
  }

  private reconnect(): void {
    if (this.isReconnecting || !this.host.isAlive) return;
    this.isReconnecting = true;
    this.host.timer.after(this.redis.chance.between(10, LONGEST_PAUSE_MS), () => {
      this.isReconnecting = false;
      this.connect();
    });
  }

  private lose(): void {
    const isNews = this.commands !== undefined;
    this.drop();
    if (!isNews) return;
    this.host.enter(() => {
      for (const fail of this.pending) fail(new RelayFailure(true));
      for (const listener of this.broken) listener();
    });
  }

  private drop(): void {
    this.commands?.close();
    this.subscription?.close();
    this.commands = undefined;
    this.subscription = undefined;
  }

  private subscribeAt(node: RelayNode, connection: Connection): void {
    if (!this.mailbox) return;
    const { worker, mailbox } = this.mailbox;
    const inbox = channelOf({ worker, box: 'inbox' });
    const replies = channelOf({ worker, box: 'replies' });
    connection.onClose(() => node.unsubscribe(subscriber));
    const subscriber = (channel: string, frame: Buffer) => {
      connection.push(() => (channel === inbox ? mailbox.request(frame) : mailbox.reply(frame)));
    };
    node.subscribe(inbox, subscriber);
    node.subscribe(replies, subscriber);
  }
}

const channelOf = ({ worker, box }: Address) => `${box}:${worker}`;
