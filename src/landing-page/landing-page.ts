const DESCRIPTION = 'A gateway for the Model Context Protocol (MCP): it connects MCP clients to MCP servers.';
const NEEDS_TOKEN = 'MCP endpoints need a bearer token, except those of servers that are configured as public.';

/** Path and purpose of each resource. */
interface Place {
  readonly path: string;
  readonly about: string;
}

/**
 * Content of `GET /` as JSON and text. It contains paths only, below the path of the public URL: the gateway does not
 * know the host name by which a client reaches it.
 */
export function createLandingPage(base: string) {
  const json = {
    name: 'isthmus',
    description: DESCRIPTION,
    endpoints: {
      mcp: `${base}/mcp`,
      sse: `${base}/sse`,
      rpc: `${base}/rpc`,
      server: `${base}/servers/{slug}/mcp`,
    },
    admin: {
      page: `${base}/admin/ui/`,
      api: `${base}/admin/v1`,
      documentation: `${base}/admin/v1/docs`,
      openapi: `${base}/admin/v1/openapi.json`,
    },
    health: { live: `${base}/health/live`, ready: `${base}/health/ready` },
    authorization: `${base}/.well-known/oauth-protected-resource`,
  };
  const places = toPlaces(json);
  return { json, text: toText(places) };
}

interface PageContent {
  readonly endpoints: Readonly<Record<'mcp' | 'sse' | 'rpc' | 'server', string>>;
  readonly admin: Readonly<Record<'page' | 'api' | 'documentation' | 'openapi', string>>;
  readonly health: Readonly<Record<'live' | 'ready', string>>;
  readonly authorization: string;
}

const toPlaces = ({ endpoints, admin, health, authorization }: PageContent): readonly Place[] => [
  { path: endpoints.mcp, about: 'streamable HTTP, all servers: the URL for an MCP client' },
  { path: endpoints.server, about: 'streamable HTTP, one server or virtual server; also /sse and /rpc' },
  { path: endpoints.sse, about: 'HTTP+SSE, for clients of revisions before streamable HTTP' },
  { path: endpoints.rpc, about: 'plain JSON-RPC: one request per POST, answered in the response' },
  { path: admin.page, about: 'admin page, for browsers' },
  { path: admin.documentation, about: 'interactive documentation of the admin API' },
  { path: admin.api, about: 'admin API; needs a token of the role admin, operator or auditor' },
  { path: admin.openapi, about: 'OpenAPI document of the admin API; needs a token' },
  { path: health.live, about: '200 while the process runs' },
  { path: health.ready, about: '200 while the process accepts new work' },
  { path: authorization, about: 'which tokens are accepted (RFC 9728)' },
];

const toText = (places: readonly Place[]): string => `Isthmus
${DESCRIPTION}
${NEEDS_TOKEN}

${places.map(({ path, about }) => `${path.padEnd(40)} ${about}`).join('\n')}
`;
