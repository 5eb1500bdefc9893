export { AuthConfig } from './auth.config.js';
export { KeysUnavailable, MissingScope, TokenRefused, Unauthenticated } from './auth.errors.js';
export { AuthModule } from './auth.module.js';
export { CallerAuthenticator } from './caller-authenticator.js';
export { ProtectedResource, type ResourceMetadata } from './protected-resource.js';
export { TokenIssuer, type TokenOrder } from './token-issuer.js';
