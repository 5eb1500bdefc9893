import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { allPages, api, GATEWAY_URL } from '../../api/index.js';
import {
  LEGACY_REVISION,
  MODERN_REVISION,
  LegacyClient,
  ModernClient,
  type Era,
  type McpClient,
} from '../../mcp/index.js';

export const ERAS = {
  modern: `Modern (${MODERN_REVISION})`,
  legacy: `Legacy, with a session (${LEGACY_REVISION})`,
} as const;

export const DEFAULT_ENDPOINT = '/mcp';
const ENDPOINT = /^\/(?:servers\/[\w.-]+\/)?mcp$/;
const LIMIT = 200;

export const toEra = (text: string): Era => (text === 'legacy' ? 'legacy' : 'modern');
export const toEndpoint = (text: string): string => (ENDPOINT.test(text) ? text : DEFAULT_ENDPOINT);

const query = (cursor: string | undefined) => ({
  params: { query: { limit: LIMIT, ...(cursor !== undefined && { cursor }) } },
});

/** The paths of the MCP endpoints, with what each of them is. */
export function useEndpoints(): UseQueryResult<Readonly<Record<string, string>>> {
  return useQuery({
    queryKey: ['servers', 'endpoint-paths'],
    queryFn: async () => {
      const [servers, virtual] = await Promise.all([
        allPages((cursor) => api.GET('/admin/v1/servers', query(cursor))),
        allPages((cursor) => api.GET('/admin/v1/virtual-servers', query(cursor))),
      ]);
      const paths = [...virtual, ...servers].map(({ slug }) => `/servers/${slug}/mcp`);
      const options = paths.map((path) => [path, path] as const);
      return { [DEFAULT_ENDPOINT]: `${DEFAULT_ENDPOINT} (all servers)`, ...Object.fromEntries(options) };
    },
  });
}

/** A client of an endpoint, with the rights of the person who uses the page. */
export function useMcpClient(endpoint: string, era: Era): McpClient {
  const client = useMemo(() => {
    const url = `${GATEWAY_URL}/admin/ui/mcp${endpoint}`;
    return era === 'legacy' ? new LegacyClient(url) : new ModernClient(url);
  }, [endpoint, era]);
  useEffect(() => () => client.close(), [client]);
  return client;
}
