export { AddressGuard, isNetwork } from './address-guard.js';
export { findLiteralAddress } from './literal-address.js';
