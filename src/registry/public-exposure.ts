import { BlockList, isIP } from 'node:net';
import type { RegistrySnapshot } from './server-registry.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Returns one warning for each public endpoint when the gateway listens on an address other than loopback. Empty when the
 * gateway listens on loopback only or no endpoint is public.
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
    (path) =>
      `${path} is public and ${host} is reachable from other machines: anyone there can call it without a token.`,
  );
}

function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host === 'localhost';
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
