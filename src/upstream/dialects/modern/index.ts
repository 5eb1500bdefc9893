export type { Discovery } from './discovery.js';
export { discoverOverHttp } from './http-discovery.js';
export { ModernHttpConnection } from './modern-http-connection.js';
export { ModernPipeConnection } from './modern-pipe-connection.js';
export { discoverOverPipe, probeOverPipe, type PipeDiscovery } from './pipe-discovery.js';
