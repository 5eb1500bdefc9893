export {
  AccessPolicy,
  type GuardedEndpoint,
  type AccessDecision,
  type AccessRequest,
  type GuardedServer,
  type ItemKind,
  type ItemUse,
  type AccessScope,
} from './access-policy.js';
export { ANONYMOUS, tokenIdOf, type Caller, type Principal, type TokenGrants } from './caller.js';
export { Clock, SystemClock } from '#lib/time';
export { retryAfterSeconds } from './retry-after.js';
export { GatewayError, type GatewayErrorData } from './gateway-error.js';
export { OutcomeError } from './outcome-error.js';
export { PRODUCT } from './product.js';
export { TokenVerifier, type RequestedResource, type VerifiedToken } from './token-verifier.js';
