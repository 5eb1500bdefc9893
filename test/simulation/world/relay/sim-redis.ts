import type { SeededRandom } from '../seeded-random.js';
import type { VirtualTime } from '../virtual-time.js';
import { FrameFaultPlan } from './frame-faults.js';
import { RelayNode, type NodeFlaws } from './relay-node.js';

/** A worker's connections to the relay. */
export interface RelayClient {
  readonly worker: string;
  /** The connections to this node are lost. */
  onNodeGone(node: RelayNode): void;
}

/** Properties of the relay. */
export interface RelayOptions {
  readonly minLatencyMs: number;
  readonly maxLatencyMs: number;
  /** Replication lag; undefined without a replica. */
  readonly lagMs?: number;
  /** Whether commands for different slots can overtake each other. */
  readonly isCluster: boolean;
  readonly flaws?: Partial<NodeFlaws>;
}

const NO_FLAWS: NodeFlaws = {
  ignoresLateness: false,
  grantsAllClaims: false,
  grantsAllRevocations: false,
  ignoresGenerations: false,
};

/** Redis as its clients see it: the current master of each client, and the faults of the deployment. */
export class SimRedis {
  readonly faultPlan: FrameFaultPlan;
  private node: RelayNode | undefined;
  /** During a split: the previous master and the workers that are still connected to it. */
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

  /** The master of this worker; undefined when no master is reachable. */
  masterFor(worker: string): RelayNode | undefined {
    return this.old?.workers.has(worker) ? this.old.node : this.node;
  }

  latency(): number {
    return this.random.between(this.options.minLatencyMs, this.options.maxLatencyMs);
  }

  join(client: RelayClient): void {
    this.clients.add(client);
  }

  leave(client: RelayClient): void {
    this.clients.delete(client);
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

  /** Stops the master and starts an empty one after a while. */
  restartEmpty(downMs: number): void {
    this.takeDown();
    this.virtualTime.after(downMs, () => (this.node ??= this.newNode()), false);
  }

  /** Stops the master and promotes its replica, with the writes that have reached it. */
  failOver(downMs: number): void {
    const newOwner = this.node?.promoteReplica();
    this.takeDown();
    this.virtualTime.after(downMs, () => (this.node ??= newOwner), false);
  }

  /** Promotes the replica while the previous master keeps running for some of the workers. */
  split(staying: ReadonlySet<string>, forMs: number): void {
    const { node } = this;
    if (!node || this.old) return;
    this.old = { node, workers: staying };
    this.node = node.promoteReplica();
    for (const client of this.clients) if (!staying.has(client.worker)) client.onNodeGone(node);
    this.virtualTime.after(forMs, () => this.heal(), false);
  }

  private heal(): void {
    const { old } = this;
    this.old = undefined;
    if (!old) return;
    old.node.stop();
    for (const client of this.clients) client.onNodeGone(old.node);
  }

  private takeDown(): void {
    const { node } = this;
    this.node = undefined;
    if (!node) return;
    node.stop();
    for (const client of this.clients) client.onNodeGone(node);
  }

  private newNode(): RelayNode {
    return new RelayNode(this.virtualTime, this.random, this.options.lagMs, { ...NO_FLAWS, ...this.options.flaws });
  }
}
