import type { GatewayEvents } from '../events/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { KnownItem } from './item-record.js';
import type { ItemsOfList } from './item-overrides.js';

/** Maximum number of names of each kind in one event. */
const MAX_NAMES = 100;
/** Workers that read the same list within this time report it once. */
const QUIET_MS = 60_000;

/** What a list of tools showed that was not known before it. */
interface ObservedChange {
  readonly server: ServerDefinition;
  readonly before: ItemsOfList | undefined;
  readonly fresh: readonly KnownItem[];
  /** Identifies the list and its content. */
  readonly occurrence: string;
}

/** Emits `tools.changed`, if anybody listens. */
export function emitToolChange(
  events: GatewayEvents | undefined,
  { server, before, fresh, occurrence }: ObservedChange,
): void {
  if (events?.isHeard('tools.changed') !== true) return;
  const names = (isKnown: boolean) =>
    Object.freeze(
      fresh.flatMap(({ name }) => ((before?.has(name) ?? false) === isKnown ? [name] : [])).slice(0, MAX_NAMES),
    );
  const data = { server: server.slug, added: names(false), changed: names(true) };
  events.emit('tools.changed', { occurrence, quietMs: QUIET_MS, data });
}
