/** A personal access token, without its secret. */
export interface AccessToken {
  readonly id: string;
  /** What its owner calls it. */
  readonly title: string;
  /** Whom it stands for. */
  readonly issuer: string;
  readonly subject: string;
  readonly roles: readonly string[];
  /** Roles that its maker had by teams: they count as long as a team gives them to its subject. Absent: none. */
  readonly teamRoles?: readonly string[];
  /** Beside those that the subject is a member of while the token is used. */
  readonly teams: readonly string[];
  readonly scopes: readonly string[];
  /** Slugs of the servers that it is good for. Absent: all. */
  readonly servers?: readonly string[];
  readonly createdAt: Date;
  /** `issuer|subject` of whoever made it. */
  readonly createdBy: string;
  readonly expiresAt: Date;
  /** To the minute or so. */
  readonly lastUsedAt?: Date;
}

export type NewAccessToken = Omit<AccessToken, 'id' | 'createdAt' | 'lastUsedAt'>;
