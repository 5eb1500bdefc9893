export { AddressGuard, isNetwork } from './address-guard.js';
export { AddressForbidden, guardedConnector } from './guarded-connector.js';
export { findLiteralAddress } from './literal-address.js';
export { isSecureUrl } from './secure-url.js';
