import type { AccessToken } from './access-token.js';
import { isElevatedRole } from './elevated-roles.js';
import type { TokensConfig } from './tokens.config.js';

type Granted = Pick<AccessToken, 'roles' | 'teamRoles'>;

/** Returns the maximum lifetime of a token with these roles, in milliseconds. */
export function maxLifetimeOf({ roles, teamRoles = [] }: Granted, config: TokensConfig): number {
  const isElevated = [...roles, ...teamRoles].some(isElevatedRole);
  return isElevated ? Math.min(config.maxLifetimeMs, config.elevatedMaxLifetimeMs) : config.maxLifetimeMs;
}

/** Returns the token with an expiry within its maximum lifetime, which may have been higher when the token was created. */
export function boundLifetime(token: AccessToken, config: TokensConfig): AccessToken {
  const latest = token.createdAt.getTime() + maxLifetimeOf(token, config);
  return token.expiresAt.getTime() <= latest ? token : { ...token, expiresAt: new Date(latest) };
}
