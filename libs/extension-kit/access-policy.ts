import type { JsonObject, ResourceUri } from '#lib/mcp-protocol';
import type { Caller } from './caller.js';

export type ItemKind = 'tools' | 'prompts' | 'resources';

/** The properties of a server on which an access decision may depend. */
export interface GuardedServer {
  readonly slug: string;
  readonly team?: string;
}

/** The server for code of extensions: an entry of the registry contains credentials. Frozen. */
export const toGuardedServer = ({ slug, team }: GuardedServer): GuardedServer =>
  Object.freeze({ slug, ...(team !== undefined && { team }) });

/** The properties of an endpoint on which an access decision may depend. */
export interface GuardedEndpoint {
  readonly id: string;
  readonly team?: string;
  readonly servers: readonly GuardedServer[];
}

/**
 * A use of one item as every check sees it: the same object decides about the endpoint's selection, item switches, policies
 * and limits, and its `name` is what the server receives.
 */
export interface ItemUse<Server extends GuardedServer = GuardedServer> {
  readonly server: Server;
  readonly kind: ItemKind;
  /** The item's own name at its server, its URI in canonical form, or its URI template, without the gateway's prefix. */
  readonly name: string;
  /** The name under which clients see the item. Absent when it is its own name. */
  readonly shownName?: string;
  /** The forms of the URI or template; present for resources. */
  readonly uri?: ResourceUri;
  /** True for a URI template instead of a URI. */
  readonly isTemplate?: boolean;
  /** Arguments of the call. Absent for a list; the decision is then whether any call could be allowed. */
  readonly args?: JsonObject;
}

/**
 * Describes one access decision: whether this caller may use this item of this server. A policy that compares names must
 * compare `shownName` as well, and for resources every form in `uri`.
 */
export interface AccessRequest extends ItemUse {
  readonly caller: Caller;
}

export interface AccessDecision {
  readonly allowed: boolean;
  /** One sentence that the caller may read. */
  readonly reason: string;
}

/** The result of one rule of a policy for a question. Its members are part of the admin API. */
export interface RuleExplanation {
  readonly policy: string;
  readonly effect: 'allow' | 'deny';
  /** Whether the rule applies to the call; `maybe` when that depends on arguments that the question lacks. */
  readonly counts: boolean | 'maybe';
  /** One sentence for admins. */
  readonly why: string;
}

/** A decision with the results of the rules for the item. */
export interface AccessExplanation extends AccessDecision {
  readonly rules: readonly RuleExplanation[];
}

/** The part of a server's items that a caller may use. */
export type AccessScope = 'all' | 'some' | 'none';

/**
 * Decides which caller may use which item. Both lists and calls apply it. Therefore an AccessRequest always gets the
 * same decision until the configuration changes, and an item that is allowed with arguments is also allowed without
 * them.
 */
export abstract class AccessPolicy {
  /** Returns `all` or `none` when `decide` gives that result for every item of the server, and `some` otherwise. */
  abstract accessScope(caller: Caller, server: GuardedServer): AccessScope;
  abstract decide(question: AccessRequest): AccessDecision;
  /** Explains a decision to admins (`policy/explain` of the admin API). The default is the decision without rules. */
  explain(question: AccessRequest): AccessExplanation {
    return { ...this.decide(question), rules: [] };
  }
  /** Returns whether a caller may use an endpoint at all. For endpoints of a single server that server decides. */
  abstract canUseEndpoint(caller: Caller, endpoint: { readonly id: string; readonly team?: string }): boolean;
  /**
   * Returns true when every caller may use the endpoint and all items of its servers; responses may then be cached for
   * all callers. The default is false: a policy that does not override this method is assumed to restrict some caller.
   */
  isUnrestricted(_endpoint: GuardedEndpoint): boolean {
    return false;
  }
}
