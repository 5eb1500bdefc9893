import type { Clock } from '#lib/time';
import { Joiner } from '../frames/chunks.js';
import type { Frame } from '../frames/frame.js';
import { FrameOrder } from '../frames/frame-order.js';
import { CLAIM_WINDOW_MS } from '../protocol.js';

interface Partial {
  readonly joiner: Joiner;
  readonly order: FrameOrder;
  bytes: number;
  readonly forget: () => void;
}

/** Requests too long for one frame, until their last part is there. What never becomes whole is forgotten in time. */
export class PartialRequests {
  private readonly partials = new Map<string, Partial>();
  private bytes = 0;

  constructor(
    private readonly timer: Clock,
    private readonly mostBytes: number,
  ) {}

  get size(): number {
    return this.partials.size;
  }

  /** The whole message with its last part, `pending` before, `lost` when it will never be whole. */
  add(key: string, { number, more, payload }: Frame): Buffer | 'pending' | 'lost' {
    if (number === 0 && !more) return payload;
    const partial = this.partials.get(key) ?? this.begin(key, number);
    if (!partial) return 'lost';
    const place = partial.order.look(number);
    if (place === 'repeated') return 'pending';
    if (place === 'gap' || this.bytes + payload.length > this.mostBytes) return this.drop(key, partial);
    this.bytes += payload.length;
    partial.bytes += payload.length;
    partial.joiner.add(payload);
    if (more) return 'pending';
    this.drop(key, partial);
    return partial.joiner.take();
  }

  /** Forgets all of them. */
  clear(): void {
    for (const [key, partial] of this.partials) this.drop(key, partial);
  }

  private begin(key: string, number: number): Partial | undefined {
    // The beginning was missed, or was dropped with good reason.
    if (number !== 0) return undefined;
    const forget = this.timer.after(CLAIM_WINDOW_MS, () => this.drop(key, partial));
    const partial: Partial = { joiner: new Joiner(), order: new FrameOrder(), bytes: 0, forget };
    this.partials.set(key, partial);
    return partial;
  }

  private drop(key: string, partial: Partial): 'lost' {
    partial.forget();
    this.partials.delete(key);
    this.bytes -= partial.bytes;
    return 'lost';
  }
}
