import type { AccessDecision, ItemKind, ItemUse } from '#lib/extension-kit';
import type { ServerDefinition } from '../registry/index.js';

/** What one URL serves to one caller: all servers, a virtual server, or one server unchanged. */
export interface Endpoint {
  /** `default` or the slug. A session belongs to one endpoint id. */
  readonly id: string;
  /** True for the endpoint of one server, which passes names, capabilities and instructions unchanged. */
  readonly transparent: boolean;
  /** True when names of tools and prompts may contain what clients do not accept. */
  readonly keepsNames?: boolean;
  /** True when callers without a token are admitted as `anonymous`. */
  readonly public: boolean;
  /** The team whose members alone can reach the endpoint. */
  readonly team?: string;
  readonly title?: string;
  readonly instructions?: string;
  /** Enabled servers, in the order of aggregated lists. */
  readonly servers: readonly ServerDefinition[];
  /** Decides whether the endpoint has the item for this caller, whatever the arguments of a call. */
  readonly shows: (use: ItemUse) => boolean;
  /** True when every item of that kind is visible at these servers. */
  readonly showsAll: (kind: ItemKind) => boolean;
  /** True when every caller, with or without a token, sees the same. Only then may a result have `cacheScope: public`. */
  readonly isUnrestricted: boolean;
  /** Decides whether a visible item may be used with these arguments. Absent when any arguments are allowed. */
  readonly permits?: (use: ItemUse) => AccessDecision;
}

/** True when the caller sees every item of the endpoint's servers. */
export function isFullyVisible({ showsAll }: Endpoint): boolean {
  return showsAll('tools') && showsAll('prompts') && showsAll('resources');
}

/** An item and its server. */
export interface Target {
  readonly server: ServerDefinition;
  /** The name, URI or URI template without the gateway's prefix, as the client wrote it. */
  readonly own: string;
}
