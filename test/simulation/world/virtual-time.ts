/** A scheduled event. */
interface ScheduledEvent {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
  /** Whether the event runs code under test, whose promises must settle before the next event. */
  readonly settles: boolean;
  cancelled: boolean;
}

/** Virtual time and its scheduled events. The order is deterministic for a seed. */
export class VirtualTime {
  private time = 0;
  private counter = 0;
  private readonly heap: ScheduledEvent[] = [];

  /** Milliseconds since the start of the simulation. */
  get now(): number {
    return this.time;
  }

  /** Schedules an event. `settles`: the event runs code under test, whose promises settle before the next event. */
  after(ms: number, run: () => void, settles = true): () => void {
    const happening = { time: this.time + Math.max(ms, 0), order: (this.counter += 1), run, settles, cancelled: false };
    this.push(happening);
    return () => {
      happening.cancelled = true;
    };
  }

  /** Runs all events up to this time. */
  async runUntil(time: number): Promise<void> {
    await settled();
    for (let next = this.heap[0]; next && next.time <= time; next = this.heap[0]) {
      this.pop();
      if (next.cancelled) continue;
      this.time = next.time;
      next.run();
      if (next.settles) await settled();
    }
    this.time = Math.max(this.time, time);
  }

  private push(happening: ScheduledEvent): void {
    const { heap } = this;
    let place = heap.push(happening) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(heap[place]!, heap[parent]!)) return;
      this.swap(place, parent);
      place = parent;
    }
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    heap[0] = last;
    for (let place = 0; ;) {
      const left = 2 * place + 1;
      const right = left + 1;
      let first = place;
      if (left < heap.length && isBefore(heap[left]!, heap[first]!)) first = left;
      if (right < heap.length && isBefore(heap[right]!, heap[first]!)) first = right;
      if (first === place) return;
      this.swap(place, first);
      place = first;
    }
  }

  private swap(one: number, other: number): void {
    const { heap } = this;
    [heap[one], heap[other]] = [heap[other]!, heap[one]!];
  }
}

function isBefore(one: ScheduledEvent, other: ScheduledEvent): boolean {
  return one.time < other.time || (one.time === other.time && one.order < other.order);
}

/** Resolves when the microtask queue is empty. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
