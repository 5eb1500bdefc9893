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

/**
 * Collects requests too long for one frame until their last part arrives. Incomplete ones are dropped after a timeout.
 */
export class PartialRequests {
  private readonly partials = new Map<string, Partial>();
  private bytes = 0;

  constructor(
    private readonly timer: Clock,
    private readonly maxBytes: number,
  ) {}

  get size(): number {
    return this.partials.size;
  }

  /** Returns the whole message with its last part, `pending` before, `lost` if a part is missing. */
  add(key: string, { number, more, payload }: Frame): Buffer | 'pending' | 'lost' {
    if (number === 0 && !more) return payload;
    const partial = this.partials.get(key) ?? this.begin(key, number);
    if (!partial) return 'lost';
    const place = partial.order.check(number);
    if (place === 'repeated') return 'pending';
    if (place === 'gap' || this.bytes + payload.length > this.maxBytes) return this.drop(key, partial);
    this.bytes += payload.length;
    partial.bytes += payload.length;
    partial.joiner.add(payload);
    if (more) return 'pending';
    this.drop(key, partial);
    return partial.joiner.join();
  }

  /** Drops all of them. */
  clear(): void {
    for (const [key, partial] of this.partials) this.drop(key, partial);
  }

  private begin(key: string, number: number): Partial | undefined {
    // The first part was lost or dropped.
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
