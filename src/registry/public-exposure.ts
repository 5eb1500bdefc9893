import { BlockList, isIP } from 'node:net';
import type { RegistrySnapshot } from './server-registry.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * What the operator should hear when endpoints are public and the gateway listens beyond loopback: one sentence per
 * endpoint. Empty when there is nothing to fear.
 */
export function publicExposureWarnings(host: string, snapshot: RegistrySnapshot): string[] {
  if (isLoopback(host)) return [];
  const { defaultEndpoint, servers, virtualServers } = snapshot;
  const paths = [
    ...(defaultEndpoint.public ? ['/mcp'] : []),
    ...[...servers.filter((server) => server.enabled), ...virtualServers]
      .filter((endpoint) => endpoint.public)
      .map((endpoint) => `/servers/${endpoint.slug}/mcp`),
  ];
  return paths.map(
    (path) => `${path} is public and ${host} can be reached from other machines: anyone there may call it.`,
  );
}

function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host === 'localhost';
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
