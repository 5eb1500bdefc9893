import type { AccessDecision, ItemKind, ItemUse } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';

/** The decisions of list filters at one endpoint, for one caller. */
export interface EndpointFilter {
  /** Returns the name of the filter that hides the item, if one does. */
  readonly hiddenBy: (use: ItemUse) => string | undefined;
  /** Returns the item as the caller sees it. Undefined: it cannot be described. */
  readonly describe: (definition: JsonObject, use: ItemUse) => JsonObject | undefined;
}

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
  /** What list filters decide about the items for this caller. Absent when none concerns the caller. */
  readonly filter?: EndpointFilter;
  /** Decides whether a visible item may be used with these arguments. Absent when any arguments are allowed. */
  readonly permits?: (use: ItemUse) => AccessDecision;
}

/** True when the caller sees every item of the endpoint's servers. */
function isFullyVisible({ showsAll }: Endpoint): boolean {
  return showsAll('tools') && showsAll('prompts') && showsAll('resources');
}

/**
 * True if methods and notifications that the gateway does not know pass between this endpoint's caller and the server. The gateway
 * cannot tell which items a method uses and to whom the state that it reads belongs. So they pass only at the endpoint of one
 * server, whose entry allows it, and for callers without restrictions there.
 */
export function passesUnknownMethods(endpoint: Endpoint, server: ServerDefinition): boolean {
  return server.allowUnknownMethods && isUnrestricted(endpoint);
}

/** True at the endpoint of one server whose caller sees every item of it. */
export const isUnrestricted = (endpoint: Endpoint): boolean => endpoint.transparent && isFullyVisible(endpoint);

/** An item and its server. */
export interface Target {
  readonly server: ServerDefinition;
  /** The name, URI or URI template without the gateway's prefix, as the client wrote it. */
  readonly own: string;
}
