export { readDiscovery, type Discovery } from './discovery.js';
export { discoverOverHttp } from './http-discovery.js';
export { ModernHttpConnection } from './modern-http-connection.js';
