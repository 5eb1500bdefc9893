import { Injectable, Logger } from '@nestjs/common';
import type { GatewayEvent, GatewayEventListener, GatewayEventType } from '#lib/extension-kit';
import { Clock } from '#lib/time';

/** What the emitter of an event knows about it. */
type EmittedEvent<T extends GatewayEventType> = Pick<GatewayEvent<T>, 'occurrence' | 'quietMs' | 'data'>;

/**
 * Delivers events to the listeners of this worker. Each worker emits what it notices itself: a listener that must run once for
 * an installation compares occurrences (`GatewayEvent.occurrence`).
 */
@Injectable()
export class GatewayEvents {
  private readonly logger = new Logger(GatewayEvents.name);
  private readonly listeners = new Map<GatewayEventType, Set<GatewayEventListener>>();

  constructor(private readonly clock: Clock) {}

  /** Calls the listener with every event of these types. Returns a function that removes it. */
  on<T extends GatewayEventType>(types: readonly T[], listener: GatewayEventListener<T>): () => void {
    // An event of a type is passed only to the listeners of that type.
    const general = listener as GatewayEventListener;
    for (const type of types) this.listeners.set(type, (this.listeners.get(type) ?? new Set()).add(general));
    return () => {
      for (const type of types) this.listeners.get(type)?.delete(general);
    };
  }

  /** True if somebody receives events of the type. Frequent events are not built otherwise. */
  isHeard(type: GatewayEventType): boolean {
    return (this.listeners.get(type)?.size ?? 0) > 0;
  }

  /** Passes the event to its listeners. Never throws, and waits for none of them. */
  emit<T extends GatewayEventType>(type: T, emitted: EmittedEvent<T>): void {
    const event = { type, at: this.clock.now(), ...emitted } as GatewayEvent;
    // All listeners receive the same object.
    Object.freeze(event.data);
    Object.freeze(event);
    for (const listener of this.listeners.get(type) ?? []) void this.deliver(event, listener);
  }

  private async deliver(event: GatewayEvent, listener: GatewayEventListener): Promise<void> {
    try {
      await listener(event);
    } catch (cause) {
      this.logger.error(`A listener of ${event.type} failed`, cause instanceof Error ? cause.stack : String(cause));
    }
  }
}
