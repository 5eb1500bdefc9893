export { toVerifiedToken } from './access-token-verifier.js';
export { AuthConfig } from './auth.config.js';
export { refusedCallerOf, TooManyFailedAuthentications } from './auth.errors.js';
export { AuthModule } from './auth.module.js';
export { CallerAuthenticator } from './caller-authenticator.js';
export { PassportTokenVerifier } from './passport-token-verifier.js';
export { ProtectedResource } from './protected-resource.js';
export { TokenIssuer } from './token-issuer.js';
