/** A group of principals that shares servers and may grant roles to its members. */
export interface TeamDefinition {
  readonly slug: string;
  readonly title?: string;
  /** Subjects of tokens, or `issuer|subject` for the subject of one issuer. */
  readonly members: readonly string[];
  /** Roles that every member has in addition to those of its token. */
  readonly roles: readonly string[];
}

/** The dimensions by which a limit counts: it has a separate counter for each value of each dimension. */
export const LIMIT_SUBJECTS = ['principal', 'team', 'server', 'tool'] as const;
export type LimitSubject = (typeof LIMIT_SUBJECTS)[number];

/** A rate limit and a concurrency limit for calls. `*` in patterns matches any run of characters. */
export interface LimitDefinition {
  readonly slug: string;
  readonly per: readonly LimitSubject[];
  /** Slugs of servers. Absent: all. */
  readonly servers?: readonly string[];
  /** Names of tools as their servers define them. Absent: every call of an item or of a pass-through method. */
  readonly tools?: readonly string[];
  readonly rate?: { readonly calls: number; readonly withinMs: number };
  /** Maximum number of concurrent calls. */
  readonly concurrency?: number;
}

export type PolicyEffect = 'allow' | 'deny';

/** An access rule. Every condition that is present must match; `*` in patterns matches any run of characters. */
export interface PolicyDefinition {
  readonly slug: string;
  readonly effect: PolicyEffect;
  readonly description?: string;
  /** Slugs of servers. Absent: all. */
  readonly servers?: readonly string[];
  /** Items by the names and URIs that their servers define. If all three lists are absent, the rule matches all items. */
  readonly tools?: readonly string[];
  readonly prompts?: readonly string[];
  readonly resources?: readonly string[];
  /** Callers. A caller matches when it has one value of each list that is present. */
  readonly roles?: readonly string[];
  readonly teams?: readonly string[];
  readonly scopes?: readonly string[];
  /** Subjects of tokens, or `issuer|subject` for the subject of one issuer, as in the members of a team. */
  readonly subjects?: readonly string[];
  /** A CEL expression over `claims` and `args` that must also evaluate to true. */
  readonly when?: string;
}
