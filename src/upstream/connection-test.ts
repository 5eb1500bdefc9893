import { Injectable } from '@nestjs/common';
import { AddressGuard } from '#lib/address-guard';
import { GatewayError } from '#lib/extension-kit';
import { isJsonObject, LIST_MEMBERS, type JsonValue, type ListMethod, type RpcError } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import type { ServerDefinition } from '../registry/index.js';
import { DefaultUpstreamConnector } from './connector/index.js';
import { GATEWAY_CLIENT } from './gateway-identity.js';
import type { UpstreamConnection } from './upstream-connection.js';
import { UpstreamConfig } from './upstream.config.js';

/** The result of a connection test. */
export type ConnectionTestResult =
  | {
      readonly reachable: true;
      readonly era: string;
      readonly revision: string;
      /** The name that the server reports. */
      readonly name?: string;
      readonly version?: string;
      /** Names of the capabilities that it declares. */
      readonly capabilities: readonly string[];
      /** Number of listed tools; absent when the server has no tools or does not list them. */
      readonly tools?: number;
      readonly tookMs: number;
    }
  | { readonly reachable: false; readonly code: number; readonly reason: string; readonly tookMs: number };

/** Receives one page of one of the server's lists. */
type OnListPage = (kind: (typeof LIST_MEMBERS)[ListMethod], page: readonly JsonValue[]) => void;

const MAX_NAME_LENGTH = 200;
const MAX_PAGES = 200;
const MAX_ITEMS = 50_000;
const NEVER = new AbortController().signal;

/** Each list with the capability that announces it. */
const LISTED: readonly (readonly [ListMethod, string])[] = [
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resources'],
];

/**
 * Tests whether a server can be reached. Uses a connector of its own, so caches of the gateway are neither read nor
 * changed.
 */
@Injectable()
export class ConnectionTest {
  constructor(
    private readonly config: UpstreamConfig,
    private readonly clock: Clock,
    private readonly guard: AddressGuard = new AddressGuard(),
  ) {}

  /** Calls `onPage` with each page of the server's lists. */
  async run(
    server: ServerDefinition,
    onPage: OnListPage = () => undefined,
    stop = NEVER,
  ): Promise<ConnectionTestResult> {
    const connector = new DefaultUpstreamConnector(this.config, this.clock, this.guard);
    const startedAt = this.clock.monotonicNow();
    const tookMs = () => Math.round(this.clock.monotonicNow() - startedAt);
    const signal = AbortSignal.any([stop, this.clock.timeoutSignal(server.timeouts.connectMs)]);
    try {
      if (server.transport !== 'rest') await connector.resolveEra(server, GATEWAY_CLIENT, { signal });
      const connection = await connector.open(server, GATEWAY_CLIENT, NO_EVENTS, { signal });
      const summary = toServerSummary(connection);
      const tools = await readLists(
        connection,
        onPage,
        AbortSignal.any([stop, this.clock.timeoutSignal(server.timeouts.requestMs)]),
      );
      await connection.close();
      return { reachable: true, ...summary, ...(tools !== undefined && { tools }), tookMs: tookMs() };
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
  answerQuestion: () => Promise.reject(new Error('A connection test cannot answer questions.')),
};

const toReason = ({ code, message }: RpcError) => ({ code, reason: message });

function toServerSummary({ profile }: UpstreamConnection) {
  const { era, revision, capabilities, serverInfo } = profile;
  const textMember = (member: string) => {
    const value = serverInfo?.[member];
    return typeof value === 'string' ? { [member]: value.slice(0, MAX_NAME_LENGTH) } : {};
  };
  return { era, revision, ...textMember('name'), ...textMember('version'), capabilities: Object.keys(capabilities) };
}

/** Passes all pages of all lists to `onPage`. Returns the number of tools. */
async function readLists(
  connection: UpstreamConnection,
  onPage: OnListPage,
  signal: AbortSignal,
): Promise<number | undefined> {
  let tools: number | undefined;
  for (const [method, capability] of LISTED) {
    if (!isJsonObject(connection.profile.capabilities[capability])) continue;
    for await (const page of readPages(connection, method, signal)) {
      onPage(LIST_MEMBERS[method], page);
      if (method === 'tools/list') tools = (tools ?? 0) + page.length;
    }
  }
  return tools;
}

/** Yields the pages of a list until it ends, fails, repeats its cursor or exceeds the bounds. */
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
