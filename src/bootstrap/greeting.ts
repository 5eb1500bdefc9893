import type { FirstCall } from './first-call.js';

/** Content of the text that the first start prints. Its commands work when they are pasted into a shell. */
export interface Greeting {
  /** `http://127.0.0.1:4444` */
  readonly url: string;
  /** Public URL of the gateway, if it has one. The cookies of the admin page belong to it. */
  readonly publicUrl?: string | undefined;
  /** Folder of the secrets and the configuration. */
  readonly dataFolder: string;
  /** A token of the role `user`. */
  readonly userToken: string;
  /** Only for a terminal: a log or a file must not contain it. */
  readonly adminToken?: string;
  readonly call: FirstCall;
  /** Program and command that issue a token where the gateway runs, such as `npx isthmus token`. */
  readonly tokenCommand: string;
}

/** The URL at which this machine reaches a gateway that listens on this host and port. */
export function toLocalUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

export function firstGreeting(greeting: Greeting): string {
  const { url, userToken, adminToken, call, tokenCommand } = greeting;
  const headers = { Authorization: `Bearer ${userToken}` };
  const client = { mcpServers: { isthmus: { type: 'http', url: `${url}/mcp`, headers } } };
  const curl = `curl -s ${url}/rpc -H 'Authorization: Bearer ${userToken}' -H 'Content-Type: application/json'`;
  const parts = [
    readyAt(greeting),
    "For your MCP client's mcp.json, with a token of the role user, valid for 30 days:",
    JSON.stringify(client, null, 2),
    'A first call:',
    `${curl} -d ${quoted(messageOf(call))}`,
    ...(adminToken === undefined
      ? [adminTokenHint(tokenCommand)]
      : [
          `A token of the role admin, valid for 30 days. It is not printed again (\`${tokenCommand}\` creates others):`,
          adminToken,
        ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

type Place = Pick<Greeting, 'url' | 'publicUrl' | 'dataFolder'>;

export function laterGreeting(greeting: Place & Pick<Greeting, 'tokenCommand'>): string {
  return `${readyAt(greeting)}\n${adminTokenHint(greeting.tokenCommand)}\n`;
}

const readyAt = ({ url, publicUrl = url, dataFolder }: Place): string => `
Isthmus is ready at ${url}/mcp
The admin page is at ${publicUrl.replace(/\/+$/, '')}/admin/ui/
The admin API and its documentation are at ${url}/admin/v1/docs
Secrets and configuration are in ${dataFolder}`;

const adminTokenHint = (tokenCommand: string): string =>
  `A token for the admin API: ${tokenCommand} --subject you@example.com --role admin --expires 60m`;

const messageOf = ({ method, params }: FirstCall): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });

/** Quotes a text as one word for a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
