export type { AccessToken, NewAccessToken } from './access-token.js';
export { AccessTokens } from './access-tokens.js';
export type { ElevatedRole } from './elevated-roles.js';
export { maxLifetimeOf } from './token-lifetimes.js';
export { isAccessToken } from './token-text.js';
export { TokensConfig } from './tokens.config.js';
export { TokensModule } from './tokens.module.js';
