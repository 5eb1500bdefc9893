import type { FirstCall } from './first-call.js';

/** Content of the text that the first start prints. Its commands work when they are pasted into a shell. */
export interface Greeting {
  /** `http://127.0.0.1:4444` */
  readonly url: string;
  /** Folder of the secrets and the configuration. */
  readonly dataFolder: string;
  /** A token of the role `user`. */
  readonly userToken: string;
  /** Only for a terminal: a log or a file must not contain it. */
  readonly adminToken?: string;
  readonly call: FirstCall;
}

/** The URL at which this machine reaches a gateway that listens on this host and port. */
export function toLocalUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

export function firstGreeting({ url, dataFolder, userToken, adminToken, call }: Greeting): string {
  const headers = { Authorization: `Bearer ${userToken}` };
  const client = { mcpServers: { isthmus: { type: 'http', url: `${url}/mcp`, headers } } };
  const curl = `curl -s ${url}/rpc -H 'Authorization: Bearer ${userToken}' -H 'Content-Type: application/json'`;
  const parts = [
    readyAt(url, dataFolder),
    "For your MCP client's mcp.json, with a token of the role user, valid for 30 days:",
    JSON.stringify(client, null, 2),
    'A first call:',
    `${curl} -d ${quoted(messageOf(call))}`,
    ...(adminToken === undefined
      ? [ADMIN_TOKEN_HINT]
      : [
          'A token of the role admin, valid for 30 days. It is not printed again (npm run token creates others):',
          adminToken,
        ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

export function laterGreeting({ url, dataFolder }: Pick<Greeting, 'url' | 'dataFolder'>): string {
  return `${readyAt(url, dataFolder)}\n${ADMIN_TOKEN_HINT}\n`;
}

const readyAt = (url: string, dataFolder: string): string => `
Isthmus is ready at ${url}/mcp
The admin API and its documentation are at ${url}/admin/v1/docs
Secrets and configuration are in ${dataFolder}`;

const ADMIN_TOKEN_HINT =
  'A token for the admin API: npm run token -- --subject you@example.com --role admin --expires 60m';

const messageOf = ({ method, params }: FirstCall): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });

/** Quotes a text as one word for a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
