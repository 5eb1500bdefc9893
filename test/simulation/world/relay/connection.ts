import type { Host } from '../host.js';
import type { RelayNode } from './relay-node.js';
import type { SimRedis } from './sim-redis.js';

/** One TCP connection between a worker and a node. Messages arrive in order, late, or not at all. */
export class Connection {
  private isOpen = true;
  /** Arrival time of the last message of each slot at either end. */
  private readonly lastAtNode = new Map<string, number>();
  private readonly lastAtHost = new Map<string, number>();
  private held: (() => void)[] | undefined;
  private readonly closing: (() => void)[] = [];

  constructor(
    private readonly redis: SimRedis,
    private readonly host: Host,
    readonly node: RelayNode,
  ) {}

  /**
   * Runs a command at the node; the answer arrives while the connection is open. In a cluster the order holds per slot.
   */
  send<T>(slot: string, run: (node: RelayNode) => T, answer: (value: T) => void): void {
    this.throughNetwork(() => this.arriveAtNode(slot, run, answer));
  }

  /** Delivers a message of the node that is not an answer. */
  push(run: () => void, slot = ''): void {
    this.throughNetwork(() => this.arriveAtHost(slot, run));
  }

  /** Holds all messages until `release`. */
  hold(): void {
    this.held ??= [];
  }

  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const passage of held) passage();
  }

  close(): void {
    this.isOpen = false;
    this.held = undefined;
    for (const run of this.closing.splice(0)) run();
  }

  onClose(run: () => void): void {
    this.closing.push(run);
  }

  private throughNetwork(passage: () => void): void {
    if (!this.isOpen) return;
    if (this.held) this.held.push(passage);
    else passage();
  }

  private arriveAtNode<T>(slot: string, run: (node: RelayNode) => T, answer: (value: T) => void): void {
    // Messages sent before a connection broke may still arrive.
    const survivesClose = this.redis.random.boolean();
    const arrive = () => {
      if (this.isOpen || survivesClose) this.node.enqueue(() => this.execute(slot, run, answer));
    };
    this.redis.virtualTime.after(this.delay(this.lastAtNode, slot), arrive, false);
  }

  private execute<T>(slot: string, run: (node: RelayNode) => T, answer: (value: T) => void): void {
    const value = run(this.node);
    this.push(() => answer(value), slot);
  }

  private arriveAtHost(slot: string, run: () => void): void {
    const arrive = () => this.isOpen && this.host.enter(run);
    this.redis.virtualTime.after(this.delay(this.lastAtHost, slot), arrive);
  }

  /** Delay of a message, which never overtakes an earlier one. */
  private delay(last: Map<string, number>, slot: string): number {
    const { virtualTime, options } = this.redis;
    const lane = options.isCluster ? slot : '';
    const time = Math.max(virtualTime.now + this.redis.latency(), last.get(lane) ?? 0);
    last.set(lane, time);
    return time - virtualTime.now;
  }
}
