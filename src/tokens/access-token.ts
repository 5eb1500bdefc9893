/** A personal access token, without its secret. */
export interface AccessToken {
  readonly id: string;
  /** Title chosen by its creator. */
  readonly title: string;
  /** Issuer and subject of the principal that the token authenticates. */
  readonly issuer: string;
  readonly subject: string;
  readonly roles: readonly string[];
  /** Roles that its creator had through teams. They apply only while a team still grants them to the subject. Absent: none. */
  readonly teamRoles?: readonly string[];
  /** Teams in addition to those that the subject belongs to when the token is used. */
  readonly teams: readonly string[];
  readonly scopes: readonly string[];
  /** Slugs of the servers that the token may use. Absent: all. */
  readonly servers?: readonly string[];
  /** Identities of these servers, which later servers of the same slugs do not have. */
  readonly serverIdentities?: readonly string[];
  readonly createdAt: Date;
  /** `issuer|subject` of its creator. */
  readonly createdBy: string;
  readonly expiresAt: Date;
  /** Accurate to about a minute. */
  readonly lastUsedAt?: Date;
}

export type NewAccessToken = Omit<AccessToken, 'id' | 'createdAt' | 'lastUsedAt'>;
