export { ClientAddressConfig } from './client-address.config.js';
export { ClientAddressModule } from './client-address.module.js';
export { ClientAddresses } from './client-addresses.js';
export { ReceivedSource, type RequestSource } from './request-source.js';
export { toNetwork } from './to-network.js';
