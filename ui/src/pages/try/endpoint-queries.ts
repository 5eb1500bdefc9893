import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { allPages, api, GATEWAY_URL } from '../../api/index.js';
import {
  LEGACY_REVISION,
  MODERN_REVISION,
  isObject,
  LegacyClient,
  ModernClient,
  type Era,
  type JsonObject,
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
    queryKey: ['servers', 'endpoints'],
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

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly definition: JsonObject;
}

const SILENT = {
  onMessage: () => undefined,
  onNotification: () => undefined,
  onQuestion: () => Promise.reject(new Error('A list asks nothing.')),
};

/** The tools that the endpoint lists. */
export function useTools(client: McpClient, endpoint: string): UseQueryResult<readonly Tool[]> {
  return useQuery({
    queryKey: ['items', 'mcp-tools', endpoint, client.era],
    queryFn: async ({ signal }) => {
      const tools: Tool[] = [];
      let cursor: unknown;
      do {
        const params = cursor === undefined ? {} : { cursor };
        const page = await client.request('tools/list', params, { listener: SILENT, signal });
        const listed: readonly unknown[] = Array.isArray(page['tools']) ? page['tools'] : [];
        tools.push(...listed.filter(isObject).map(toTool));
        cursor = page['nextCursor'];
      } while (typeof cursor === 'string');
      return tools;
    },
  });
}

function toTool(definition: JsonObject): Tool {
  const { name, title, description } = definition;
  return { name: textOf(name), title: textOf(title), description: textOf(description), definition };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
