import type { JsonObject } from '#lib/mcp-protocol';
import type { Caller } from './caller.js';

export type ItemKind = 'tools' | 'prompts' | 'resources';

/** What is known of a server to those who decide about it. */
export interface GuardedServer {
  readonly slug: string;
  readonly team?: string;
}

/** What is known of an endpoint to those who decide about it. */
export interface GuardedEndpoint {
  readonly id: string;
  readonly team?: string;
  readonly servers: readonly GuardedServer[];
}

/** May this caller use this item of this server? */
export interface AccessRequest {
  readonly caller: Caller;
  readonly server: GuardedServer;
  readonly kind: ItemKind;
  /** The name, URI or URI template that the server itself gives the item. */
  readonly name: string;
  /** Arguments of the call. Absent when a list is shown: then the question is whether any call could be allowed. */
  readonly args?: JsonObject;
}

export interface AccessDecision {
  readonly allowed: boolean;
  /** A sentence that its caller may read. */
  readonly reason: string;
}

/** How much of a server is open to a caller. */
export type AccessScope = 'all' | 'some' | 'none';

/**
 * Decides who may use what. Lists show what it allows and calls obey it, so the same question always gets the same
 * answer until the configuration changes, and what is allowed with arguments is allowed without.
 */
export abstract class AccessPolicy {
  /** `all` and `none` stand for what `decide` says of every item of the server; `some`: ask about each. */
  abstract accessScope(caller: Caller, server: GuardedServer): AccessScope;
  abstract decide(question: AccessRequest): AccessDecision;
  /** Whether an endpoint is there for a caller at all. Endpoints of a single server are judged by that server. */
  abstract canUseEndpoint(caller: Caller, endpoint: { readonly id: string; readonly team?: string }): boolean;
  /**
   * True where nobody is kept from the endpoint, or from anything of its servers: what is shown there may be shared by
   * all. A policy that does not say otherwise keeps something from somebody.
   */
  isUnrestricted(_endpoint: GuardedEndpoint): boolean {
    return false;
  }
}
