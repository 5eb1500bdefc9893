const DESCRIPTION = 'A gateway for the Model Context Protocol (MCP): it connects MCP clients to MCP servers.';
const NEEDS_TOKEN = 'MCP endpoints need a bearer token, except those of servers that are configured as public.';

/** Path and purpose of each resource; `isLink` where a browser can open it. */
interface Place {
  readonly path: string;
  readonly about: string;
  readonly isLink?: true;
}

/**
 * Content of `GET /` as JSON, text and HTML. It contains paths only, below the path of the public URL: the gateway does not
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
      api: `${base}/admin/v1`,
      documentation: `${base}/admin/v1/docs`,
      openapi: `${base}/admin/v1/openapi.json`,
    },
    health: { live: `${base}/health/live`, ready: `${base}/health/ready` },
    authorization: `${base}/.well-known/oauth-protected-resource`,
  };
  const places = toPlaces(json);
  return { json, text: toText(places), html: toHtml(places) };
}

interface PageContent {
  readonly endpoints: Readonly<Record<'mcp' | 'sse' | 'rpc' | 'server', string>>;
  readonly admin: Readonly<Record<'api' | 'documentation' | 'openapi', string>>;
  readonly health: Readonly<Record<'live' | 'ready', string>>;
  readonly authorization: string;
}

const toPlaces = ({ endpoints, admin, health, authorization }: PageContent): readonly Place[] => [
  { path: endpoints.mcp, about: 'streamable HTTP, all servers: the URL for an MCP client' },
  { path: endpoints.server, about: 'streamable HTTP, one server or virtual server; also /sse and /rpc' },
  { path: endpoints.sse, about: 'HTTP+SSE, for clients of revisions before streamable HTTP' },
  { path: endpoints.rpc, about: 'plain JSON-RPC: one request per POST, answered in the response' },
  { path: admin.documentation, about: 'interactive documentation of the admin API', isLink: true },
  { path: admin.api, about: 'admin API; needs a token of the role admin, operator or auditor' },
  { path: admin.openapi, about: 'OpenAPI document of the admin API; needs a token' },
  { path: health.live, about: '200 while the process runs', isLink: true },
  { path: health.ready, about: '200 while the process accepts new work', isLink: true },
  { path: authorization, about: 'which tokens are accepted (RFC 9728)', isLink: true },
];

const toText = (places: readonly Place[]): string => `Isthmus
${DESCRIPTION}
${NEEDS_TOKEN}

${places.map(({ path, about }) => `${path.padEnd(40)} ${about}`).join('\n')}
`;

const toHtml = (places: readonly Place[]): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Isthmus</title></head>
<body>
<h1>Isthmus</h1>
<p>${DESCRIPTION}</p>
<p>${NEEDS_TOKEN}</p>
<dl>
${places.map(({ path, about, isLink }) => `<dt>${isLink ? `<a href="${path}">${path}</a>` : path}</dt><dd>${about}</dd>`).join('\n')}
</dl>
</body>
</html>
`;
