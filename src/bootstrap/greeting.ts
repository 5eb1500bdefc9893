import type { FirstCall } from './first-call.js';

/** The text that the first start prints. The snippet, the commands and the tokens in it work when pasted. */
export interface Greeting {
  /** `http://127.0.0.1:4444` */
  readonly url: string;
  /** Folder of the secrets and the configuration. */
  readonly dataFolder: string;
  /** A token of the role `user`. */
  readonly userToken: string;
  /** Printed to a terminal only: logs and files must not contain it. */
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
    "For your MCP client's mcp.json, with a token of the role user that is good for 30 days:",
    JSON.stringify(client, null, 2),
    'A first call:',
    `${curl} -d ${quoted(messageOf(call))}`,
    ...(adminToken === undefined
      ? [HOW_TO_MAKE_A_TOKEN]
      : [
          'A token of the role admin, good for 30 days. It is not printed again (npm run token makes others):',
          adminToken,
        ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

export function laterGreeting({ url, dataFolder }: Pick<Greeting, 'url' | 'dataFolder'>): string {
  return `${readyAt(url, dataFolder)}\n${HOW_TO_MAKE_A_TOKEN}\n`;
}

const readyAt = (url: string, dataFolder: string): string => `
Isthmus is ready at ${url}/mcp
The admin API and its documentation are at ${url}/admin/v1/docs
Secrets and configuration are in ${dataFolder}`;

const HOW_TO_MAKE_A_TOKEN =
  'A token for the admin API: npm run token -- --subject you@example.com --role admin --expires 60m';

const messageOf = ({ method, params }: FirstCall): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });

/** Quotes the text as one word of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
