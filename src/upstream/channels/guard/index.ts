export { AddressGuard, isNetwork } from './address-guard.js';
export { AddressForbidden, guardedConnector, type Resolver } from './guarded-connector.js';
