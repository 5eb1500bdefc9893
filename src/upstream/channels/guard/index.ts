export { AddressForbidden, guardedConnector, type Resolver } from './guarded-connector.js';
