/** Content of `GET /`. It contains paths only: the gateway does not know the address under which a client reaches it. */
export const LANDING_PAGE = {
  name: 'isthmus',
  description: 'A gateway for the Model Context Protocol (MCP): it connects MCP clients to MCP servers.',
  endpoints: {
    mcp: '/mcp',
    sse: '/sse',
    rpc: '/rpc',
    server: '/servers/{slug}/mcp',
  },
  admin: { api: '/admin/v1', documentation: '/admin/v1/docs', openapi: '/admin/v1/openapi.json' },
  health: { live: '/health/live', ready: '/health/ready' },
  authorization: '/.well-known/oauth-protected-resource',
} as const;

const { description, endpoints, admin, health, authorization } = LANDING_PAGE;

/** Path and purpose of each resource; `isLink` where a browser can open it. */
const PLACES: readonly { readonly path: string; readonly about: string; readonly isLink?: true }[] = [
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

const NEEDS_TOKEN = 'MCP endpoints need a bearer token, except those of servers that are configured as public.';

export const LANDING_TEXT = `Isthmus
${description}
${NEEDS_TOKEN}

${PLACES.map(({ path, about }) => `${path.padEnd(40)}${about}`).join('\n')}
`;

export const LANDING_HTML = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Isthmus</title></head>
<body>
<h1>Isthmus</h1>
<p>${description}</p>
<p>${NEEDS_TOKEN}</p>
<dl>
${PLACES.map(({ path, about, isLink }) => `<dt>${isLink ? `<a href="${path}">${path}</a>` : path}</dt><dd>${about}</dd>`).join('\n')}
</dl>
</body>
</html>
`;
