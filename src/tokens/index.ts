export type { AccessToken, NewAccessToken } from './access-token.js';
export { AccessTokens } from './access-tokens.js';
export { isAccessToken } from './token-text.js';
export { TokensConfig } from './tokens.config.js';
export { TokensModule } from './tokens.module.js';
