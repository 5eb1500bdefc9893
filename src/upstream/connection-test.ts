import { Injectable } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { isJsonObject, LIST_MEMBERS, type JsonValue, type ListMethod, type RpcError } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { DefaultUpstreamConnector } from './connector/index.js';
import { GATEWAY_CLIENT } from './gateway-identity.js';
import type { UpstreamConnection } from './upstream-connection.js';
import { UpstreamConfig } from './upstream.config.js';

/** What came of trying to reach a server. */
export type ConnectionTestResult =
  | {
      readonly reachable: true;
      readonly era: string;
      readonly revision: string;
      /** As the server names itself. */
      readonly name?: string;
      readonly version?: string;
      /** Names of the capabilities that it declares. */
      readonly capabilities: readonly string[];
      /** How many tools it lists; absent where it has no tools, or does not list them. */
      readonly tools?: number;
      readonly tookMs: number;
    }
  | { readonly reachable: false; readonly code: number; readonly reason: string; readonly tookMs: number };

/** Takes a page of a list of the server's. */
type OnListPage = (kind: (typeof LIST_MEMBERS)[ListMethod], page: readonly JsonValue[]) => void;

const MAX_NAME_LENGTH = 200;
const MAX_PAGES = 200;
const MAX_ITEMS = 50_000;
const NEVER = new AbortController().signal;

/** Lists, and the capability that a server has them by. */
const LISTED: readonly (readonly [ListMethod, string])[] = [
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resources'],
];

/** Tries to reach a server as if nothing were known of it, and without a trace in what is. */
@Injectable()
export class ConnectionTest {
  constructor(private readonly config: UpstreamConfig) {}

  /** `take` is given what the server lists, a page at a time. */
  async run(server: ServerDefinition, take: OnListPage = () => undefined, stop = NEVER): Promise<ConnectionTestResult> {
    const connector = new DefaultUpstreamConnector(this.config);
    const startedAt = performance.now();
    const tookMs = () => Math.round(performance.now() - startedAt);
    const signal = AbortSignal.any([stop, AbortSignal.timeout(server.timeouts.connectMs)]);
    try {
      if (server.transport !== 'rest') await connector.resolveEra(server, GATEWAY_CLIENT, signal);
      const connection = await connector.open(server, GATEWAY_CLIENT, NO_EVENTS, signal);
      const told = toServerSummary(connection);
      const tools = await readLists(
        connection,
        take,
        AbortSignal.any([stop, AbortSignal.timeout(server.timeouts.requestMs)]),
      );
      await connection.close();
      return { reachable: true, ...told, ...(tools !== undefined && { tools }), tookMs: tookMs() };
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      return { reachable: false, ...toReason(cause.toRpcError()), tookMs: tookMs() };
    } finally {
      await connector.shutdown();
    }
  }
}

const NO_EVENTS = { notify: () => undefined, closed: () => undefined };
const NO_REPLY = {
  notify: () => undefined,
  answerQuestion: () => Promise.reject(new Error('Nobody is there to be asked.')),
};

const toReason = ({ code, message }: RpcError) => ({ code, reason: message });

function toServerSummary({ profile }: UpstreamConnection) {
  const { era, revision, capabilities, serverInfo } = profile;
  const textOf = (member: string) => {
    const value = serverInfo?.[member];
    return typeof value === 'string' ? { [member]: value.slice(0, MAX_NAME_LENGTH) } : {};
  };
  return { era, revision, ...textOf('name'), ...textOf('version'), capabilities: Object.keys(capabilities) };
}

/** Has all that it lists taken; gives how many tools that are. */
async function readLists(
  connection: UpstreamConnection,
  take: OnListPage,
  signal: AbortSignal,
): Promise<number | undefined> {
  let tools: number | undefined;
  for (const [method, capability] of LISTED) {
    if (!isJsonObject(connection.profile.capabilities[capability])) continue;
    for await (const page of readPages(connection, method, signal)) {
      take(LIST_MEMBERS[method], page);
      if (method === 'tools/list') tools = (tools ?? 0) + page.length;
    }
  }
  return tools;
}

/** As far as it gives them; one that pages without end is left. */
async function* readPages(connection: UpstreamConnection, method: ListMethod, signal: AbortSignal) {
  let cursor: JsonValue | undefined;
  let items = 0;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const request = { method, params: { ...(cursor !== undefined && { cursor }) }, client: GATEWAY_CLIENT };
    const outcome = await connection.request(request, NO_REPLY, signal);
    const page = outcome.kind === 'error' ? undefined : outcome.result[LIST_MEMBERS[method]];
    if (outcome.kind === 'error' || !Array.isArray(page)) return;
    yield page;
    items += page.length;
    const { nextCursor } = outcome.result;
    if (typeof nextCursor !== 'string' || nextCursor === cursor || items > MAX_ITEMS) return;
    cursor = nextCursor;
  }
}
