import type { AccessDecision, ItemKind } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';

/** What one URL serves: the default selection, a virtual server, or one server as it is. As its caller sees it. */
export interface Endpoint {
  /** `default` or the slug. Sessions are bound to it. */
  readonly id: string;
  /** One server, unchanged: no prefixes, its own capabilities and instructions. */
  readonly transparent: boolean;
  /** Callers without a token are let in as `anonymous`. */
  readonly public: boolean;
  /** It is there for its members alone. */
  readonly team?: string;
  readonly title?: string;
  readonly instructions?: string;
  /** Enabled servers, in the order of their lists. */
  readonly servers: readonly ServerDefinition[];
  readonly shows: (kind: ItemKind, publicName: string) => boolean;
  /** True where nothing of that kind is left out of these servers. */
  readonly showsAll: (kind: ItemKind) => boolean;
  /** It is the same for everybody, with a token or without: what it says of itself may be shared by all. */
  readonly isUnrestricted: boolean;
  /** Whether an item that is shown may be used with these arguments. Absent: with any. */
  readonly permits?: (kind: ItemKind, target: Target, args: JsonObject) => AccessDecision;
}

/** Nothing of its servers is kept from the caller. */
export function isFullyVisible({ showsAll }: Endpoint): boolean {
  return showsAll('tools') && showsAll('prompts') && showsAll('resources');
}

/** An item by its server. */
export interface Target {
  readonly server: ServerDefinition;
  /** The item's own name or URI at its server. */
  readonly own: string;
}
