/** What the first start tells the person in front of it. Every line of it works when pasted. */
export interface Greeting {
  /** `http://127.0.0.1:4444` */
  readonly url: string;
  readonly token: string;
  /** Where the secrets and the configuration are. */
  readonly dataFolder: string;
}

/** Where a gateway that listens here is found from this machine. */
export function toLocalUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

export function firstGreeting({ url, token, dataFolder }: Greeting): string {
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: SAMPLE_CALL };
  const client = { mcpServers: { isthmus: { type: 'http', url: `${url}/mcp`, headers: bearer(token) } } };
  return `
Isthmus is ready at ${url}/mcp
Secrets and configuration are in ${dataFolder}

An admin token, good for 30 days (npm run token makes others):

${token}

For your MCP client's mcp.json:

${JSON.stringify(client, null, 2)}

A first call:

curl -s ${url}/rpc -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '${JSON.stringify(call)}'
`;
}

export function laterGreeting({ url, dataFolder }: Omit<Greeting, 'token'>): string {
  return `
Isthmus is ready at ${url}/mcp
Secrets and configuration are in ${dataFolder}
A token: npm run token -- --subject you@example.com --role admin --expires 60m
`;
}

const SAMPLE_CALL = { name: 'sample__echo', arguments: { text: 'Hello across the isthmus' } };

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
