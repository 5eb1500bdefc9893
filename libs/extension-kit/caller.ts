/** Issuer and subject: the identity to which sessions, pools and caches are bound. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
}

/** What a token itself grants to its caller, without the configured teams of its principal. */
export interface TokenGrants {
  readonly roles: readonly string[];
  readonly teams: readonly string[];
  /** The only roles that teams may add, for a personal access token. Absent: every role of its teams. */
  readonly teamRoles?: readonly string[];
}

/** The caller as described by a verified token. Passed explicitly as an argument, never read from ambient state. */
export interface Caller {
  readonly principal: Principal;
  /** Stable text for keys and logs: `issuer|subject`, or `anonymous`. */
  readonly key: string;
  readonly anonymous: boolean;
  readonly roles: readonly string[];
  readonly teams: readonly string[];
  /** Slugs of the servers for which the token is valid. Absent means all servers. */
  readonly servers?: readonly string[];
  /** Identities of these servers, so that a later server of the same slug is not among them. Absent: the slugs decide. */
  readonly serverIdentities?: readonly string[];
  readonly scopes: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  /** Id of the personal access token, if the token is one. Such a token can be revoked at any time. */
  readonly accessToken?: string;
  /** What the token itself grants. Absent: `roles` and `teams` are those of the token. */
  readonly grants?: TokenGrants;
  /** From this moment on the token is refused, in milliseconds since the Unix epoch. Absent without a token. */
  readonly acceptedUntilMs?: number;
}

/** The caller of a public endpoint when no token was sent. */
export const ANONYMOUS: Caller = {
  principal: { issuer: '', subject: 'anonymous' },
  key: 'anonymous',
  anonymous: true,
  roles: [],
  teams: [],
  scopes: [],
  claims: {},
};

/** Claims come from the identity provider, which may put any text into them. */
const MAX_TOKEN_ID_LENGTH = 128;

/** Id of the caller's token: of a personal access token, or the claim `jti`. Undefined: the token has none. */
export function tokenIdOf({ accessToken, claims }: Caller): string | undefined {
  const id = accessToken ?? claims['jti'];
  return typeof id === 'string' && id !== '' ? id.slice(0, MAX_TOKEN_ID_LENGTH) : undefined;
}
