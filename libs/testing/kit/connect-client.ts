import {
  Client,
  StreamableHTTPClientTransport,
  type ElicitRequestParams,
  type ElicitResult,
} from '@modelcontextprotocol/client';
import type { Era } from '#lib/mcp-protocol';

/** The caller for whom the gateway issues a token. */
export interface TokenRequest {
  /** Default: `tester`. */
  readonly subject?: string;
  readonly roles?: readonly string[];
  readonly scopes?: readonly string[];
  readonly audience?: string;
  /** Default: 600. */
  readonly expiresInSeconds?: number;
}

/** A client of a test gateway, and the caller who uses it. The token is issued for the caller unless `token` is given. */
export interface ClientRequest extends TokenRequest {
  /** A bearer token. Default: one that the gateway issues. */
  readonly token?: string;
  /** Slug of a server or virtual server. Default: the default endpoint. */
  readonly endpoint?: string;
  /** Default: `modern`. */
  readonly era?: Era;
  /** Answers the forms that the caller is asked to fill in. Default: the client states that it cannot answer. */
  readonly answer?: (form: ElicitRequestParams) => ElicitResult | Promise<ElicitResult>;
}

/**
 * Connects the official client to a gateway.
 *
 * @param url URL of the gateway, without a path
 */
export async function connectClient(
  url: string,
  token: string,
  { endpoint, era = 'modern', answer }: ClientRequest,
): Promise<Client> {
  const client = new Client(
    { name: 'test-client', version: '1.0.0' },
    {
      capabilities: answer ? { elicitation: { form: {} } } : {},
      versionNegotiation: { mode: era === 'modern' ? 'auto' : 'legacy' },
    },
  );
  if (answer) client.setRequestHandler('elicitation/create', ({ params }) => answer(params));
  const path = endpoint === undefined ? '/mcp' : `/servers/${endpoint}/mcp`;
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url + path), { requestInit }));
  return client;
}
