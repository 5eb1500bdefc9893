/** Issuer and subject: the identity that sessions, pools and caches are bound to. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
}

/** Who is calling, as far as a verified token says. Passed along explicitly, never fetched from the air. */
export interface Caller {
  readonly principal: Principal;
  /** Short stable text for keys and logs: `issuer|subject`, or `anonymous`. */
  readonly key: string;
  readonly anonymous: boolean;
  readonly roles: readonly string[];
  readonly teams: readonly string[];
  /** Slugs of the servers that the token is good for. Absent: all. */
  readonly servers?: readonly string[];
  readonly scopes: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  /** Names the personal access token, if it is one: it may be revoked at any moment. */
  readonly accessToken?: string;
}

/** The caller of an endpoint that the configuration declares public. */
export const ANONYMOUS: Caller = {
  principal: { issuer: '', subject: 'anonymous' },
  key: 'anonymous',
  anonymous: true,
  roles: [],
  teams: [],
  scopes: [],
  claims: {},
};
