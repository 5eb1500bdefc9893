/** People who share what they may use, and may have roles by that. */
export interface TeamDefinition {
  readonly slug: string;
  readonly title?: string;
  /** Subjects of tokens, or `issuer|subject` where only one issuer's is meant. */
  readonly members: readonly string[];
  /** Every member has them, beside those that its token says. */
  readonly roles: readonly string[];
}

/** What a counter of a limit is for; there is one for each of them. */
export const LIMIT_SUBJECTS = ['principal', 'team', 'server', 'tool'] as const;
export type LimitSubject = (typeof LIMIT_SUBJECTS)[number];

/** How often something may be called, and how often at once. Patterns know `*`. */
export interface LimitDefinition {
  readonly slug: string;
  readonly per: readonly LimitSubject[];
  /** Slugs of servers. Absent: all. */
  readonly servers?: readonly string[];
  /** Names of tools at their servers. Absent: every call that uses an item, or a method that is only passed on. */
  readonly tools?: readonly string[];
  readonly rate?: { readonly calls: number; readonly withinMs: number };
  /** Calls that may run at once. */
  readonly concurrency?: number;
}

export type PolicyEffect = 'allow' | 'deny';

/** A rule about who may use what. Everything that is said must fit; patterns know `*`. */
export interface PolicyDefinition {
  readonly slug: string;
  readonly effect: PolicyEffect;
  readonly description?: string;
  /** Slugs of servers. Absent: all. */
  readonly servers?: readonly string[];
  /** Items by the names and URIs of their servers. Where none of the three is said, all items are meant. */
  readonly tools?: readonly string[];
  readonly prompts?: readonly string[];
  readonly resources?: readonly string[];
  /** Whom it is about: those who have one of each list that is there. */
  readonly roles?: readonly string[];
  readonly teams?: readonly string[];
  readonly scopes?: readonly string[];
  readonly subjects?: readonly string[];
  /** A CEL expression over `claims` and `args` that must hold too. */
  readonly when?: string;
}
