import type { SeededRandom } from '../seeded-random.js';
import type { VirtualTime } from '../virtual-time.js';
import { FrameFaultPlan } from './frame-faults.js';
import { RelayNode, type NodeFlaws } from './relay-node.js';

/** A party that keeps connections to the relay. */
export interface RelayClient {
  readonly worker: string;
  /** Its connections to this node are gone. */
  onNodeGone(node: RelayNode): void;
}

/** How the relay of a world behaves. */
export interface RelayOptions {
  readonly minLatencyMs: number;
  readonly maxLatencyMs: number;
  /** How far behind its replica is. Undefined: it has none. */
  readonly lagMs?: number;
  /** Commands about different requesters go different ways, so they overtake one another. */
  readonly isCluster: boolean;
  readonly flaws?: Partial<NodeFlaws>;
}

const NO_FLAWS: NodeFlaws = {
  ignoresLateness: false,
  grantsAllClaims: false,
  grantsAllRevocations: false,
  ignoresGenerations: false,
};

/** Redis as its clients see it: the node that is master for each of them, and what the operator and fate do to it. */
export class SimRedis {
  readonly faultPlan: FrameFaultPlan;
  private node: RelayNode | undefined;
  /** During a split: the master that was, and who still talks to it. */
  private old: { readonly node: RelayNode; readonly workers: ReadonlySet<string> } | undefined;
  private readonly clients = new Set<RelayClient>();

  constructor(
    readonly virtualTime: VirtualTime,
    readonly random: SeededRandom,
    readonly options: RelayOptions,
  ) {
    this.node = this.newNode();
    this.faultPlan = new FrameFaultPlan(virtualTime);
  }

  /** The master as this worker finds it. Undefined: nobody listens there. */
  masterFor(worker: string): RelayNode | undefined {
    return this.old?.workers.has(worker) ? this.old.node : this.node;
  }

  latency(): number {
    return this.random.between(this.options.minLatencyMs, this.options.maxLatencyMs);
  }

  join(guest: RelayClient): void {
    this.clients.add(guest);
  }

  leave(guest: RelayClient): void {
    this.clients.delete(guest);
  }

  freeze(forMs: number): void {
    const { node } = this;
    node?.freeze();
    this.virtualTime.after(forMs, () => node?.thaw(), false);
  }

  flushAll(): void {
    const { node } = this;
    node?.enqueue(() => node.flushAll());
  }

  /** Down, and up again without what it knew. */
  restartEmpty(downMs: number): void {
    this.takeDown();
    this.virtualTime.after(downMs, () => (this.node ??= this.newNode()), false);
  }

  /** The master dies; its replica takes over with what has reached it. */
  failOver(downMs: number): void {
    const newOwner = this.node?.promoteReplica();
    this.takeDown();
    this.virtualTime.after(downMs, () => (this.node ??= newOwner), false);
  }

  /** The replica takes over while the master lives on, alone with some of the workers. */
  split(staying: ReadonlySet<string>, forMs: number): void {
    const { node } = this;
    if (!node || this.old) return;
    this.old = { node, workers: staying };
    this.node = node.promoteReplica();
    for (const guest of this.clients) if (!staying.has(guest.worker)) guest.onNodeGone(node);
    this.virtualTime.after(forMs, () => this.heal(), false);
  }

  private heal(): void {
    const { old } = this;
    this.old = undefined;
    if (!old) return;
    old.node.stop();
    for (const guest of this.clients) guest.onNodeGone(old.node);
  }

  private takeDown(): void {
    const { node } = this;
    this.node = undefined;
    if (!node) return;
    node.stop();
    for (const guest of this.clients) guest.onNodeGone(node);
  }

  private newNode(): RelayNode {
    return new RelayNode(this.virtualTime, this.random, this.options.lagMs, { ...NO_FLAWS, ...this.options.flaws });
  }
}
