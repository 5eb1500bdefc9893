import type { Chance } from '../chance.js';
import type { Universe } from '../universe.js';
import { FrameFates } from './frame-fates.js';
import { RelayNode, type NodeFlaws } from './node.js';

/** A party that keeps connections to the relay. */
export interface Guest {
  readonly worker: string;
  /** Its connections to this node are gone. */
  onNodeGone(node: RelayNode): void;
}

/** How the relay of a world behaves. */
export interface RelayNature {
  readonly leastLatencyMs: number;
  readonly worstLatencyMs: number;
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
  readonly fates: FrameFates;
  private node: RelayNode | undefined;
  /** During a split: the master that was, and who still talks to it. */
  private old: { readonly node: RelayNode; readonly guests: ReadonlySet<string> } | undefined;
  private readonly guests = new Set<Guest>();

  constructor(
    readonly universe: Universe,
    readonly chance: Chance,
    readonly nature: RelayNature,
  ) {
    this.node = this.newNode();
    this.fates = new FrameFates(universe);
  }

  /** The master as this worker finds it. Undefined: nobody listens there. */
  masterFor(worker: string): RelayNode | undefined {
    return this.old?.guests.has(worker) ? this.old.node : this.node;
  }

  latency(): number {
    return this.chance.between(this.nature.leastLatencyMs, this.nature.worstLatencyMs);
  }

  join(guest: Guest): void {
    this.guests.add(guest);
  }

  leave(guest: Guest): void {
    this.guests.delete(guest);
  }

  freeze(forMs: number): void {
    const { node } = this;
    node?.freeze();
    this.universe.after(forMs, () => node?.thaw(), false);
  }

  flushAll(): void {
    const { node } = this;
    node?.take(() => node.flushAll());
  }

  /** Down, and up again without what it knew. */
  restartEmpty(downMs: number): void {
    this.takeDown();
    this.universe.after(downMs, () => (this.node ??= this.newNode()), false);
  }

  /** The master dies; its replica takes over with what has reached it. */
  failOver(downMs: number): void {
    const heir = this.node?.promoteReplica();
    this.takeDown();
    this.universe.after(downMs, () => (this.node ??= heir), false);
  }

  /** The replica takes over while the master lives on, alone with some of the workers. */
  split(staying: ReadonlySet<string>, forMs: number): void {
    const { node } = this;
    if (!node || this.old) return;
    this.old = { node, guests: staying };
    this.node = node.promoteReplica();
    for (const guest of this.guests) if (!staying.has(guest.worker)) guest.onNodeGone(node);
    this.universe.after(forMs, () => this.heal(), false);
  }

  private heal(): void {
    const { old } = this;
    this.old = undefined;
    if (!old) return;
    old.node.stop();
    for (const guest of this.guests) guest.onNodeGone(old.node);
  }

  private takeDown(): void {
    const { node } = this;
    this.node = undefined;
    if (!node) return;
    node.stop();
    for (const guest of this.guests) guest.onNodeGone(node);
  }

  private newNode(): RelayNode {
    return new RelayNode(this.universe, this.chance, this.nature.lagMs, { ...NO_FLAWS, ...this.nature.flaws });
  }
}
