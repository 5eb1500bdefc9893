import type { VirtualTime } from '../virtual-time.js';
import type { RelayNode } from './relay-node.js';

/** A frame on its way from one worker to another. */
export interface Publication {
  readonly node: RelayNode;
  readonly channel: string;
  readonly frame: Buffer;
}

/** The fault of one frame. `nth` counts all frames between different workers from 0. */
export type FrameFault =
  | { readonly kind: 'lose-frame'; readonly nth: number }
  | { readonly kind: 'repeat-frame'; readonly nth: number; readonly ms: number }
  | { readonly kind: 'delay-frame'; readonly nth: number; readonly ms: number }
  | {
      readonly kind: 'forge-frame';
      readonly nth: number;
      readonly ms: number;
      readonly at: number;
      readonly flip: number;
    }
  | { readonly kind: 'misdirect-frame'; readonly nth: number; readonly ms: number; readonly channel: number };

/** Applies the planned faults to the frames between workers. */
export class FrameFaultPlan {
  private readonly faults = new Map<number, FrameFault[]>();
  private readonly channels = new Set<string>();
  private count = 0;

  constructor(private readonly virtualTime: VirtualTime) {}

  plan(fault: FrameFault): void {
    this.faults.set(fault.nth, [...(this.faults.get(fault.nth) ?? []), fault]);
  }

  /** Adds a channel that frames can be misdirected to. */
  addChannel(channel: string): void {
    this.channels.add(channel);
  }

  /** Publishes a frame unless it is lost or delayed. Returns the number of receivers, also for a lost frame. */
  publish(publication: Publication): number {
    const faults = this.faults.get(this.count) ?? [];
    this.count += 1;
    const passes = faults.map((fault) => this.apply(fault, publication));
    const { node, channel, frame } = publication;
    return node.publish(channel, frame, passes.includes(false));
  }

  /** Returns false when the original frame must not be published. */
  private apply(fault: FrameFault, publication: Publication): boolean {
    switch (fault.kind) {
      case 'lose-frame':
        return false;
      case 'delay-frame':
        this.later(fault.ms, publication);
        return false;
      case 'repeat-frame':
        this.later(fault.ms, publication);
        return true;
      case 'forge-frame':
        this.later(fault.ms, { ...publication, frame: altered(publication.frame, fault.at, fault.flip) });
        return true;
      case 'misdirect-frame':
        this.later(fault.ms, { ...publication, channel: this.anyChannel(fault.channel) });
        return true;
    }
  }

  private later(ms: number, publication: Publication): void {
    const { node, channel, frame } = publication;
    this.virtualTime.after(ms, () => node.enqueue(() => node.publish(channel, frame)), false);
  }

  private anyChannel(index: number): string {
    const channels = [...this.channels];
    return channels[index % channels.length] ?? '';
  }
}

/** Alters a frame like an attacker who can publish but does not know the secret. */
function altered(frame: Buffer, at: number, flip: number): Buffer {
  const copy = Buffer.from(frame);
  const place = at % copy.length;
  copy.writeUInt8(copy.readUInt8(place) ^ flip, place);
  return copy;
}
