/** The package `isthmus` (docs/extending.md): runs a gateway in a team's own program. */
export { runGateway, type GatewayCallbacks, type RunningGateway, type RunOptions } from './bootstrap/index.js';
export { createGateway, createGatewayOf, type CompiledGateway, type GatewayOptions } from './create-gateway.js';
export type { Extension } from './extensions/index.js';
export { GatewayModule, type GatewayModuleOptions } from './gateway.module.js';
