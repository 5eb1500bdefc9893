import { Injectable, Optional } from '@nestjs/common';
import { AddressGuard } from '#lib/address-guard';
import { GatewayError } from '#lib/extension-kit';
import {
  CursorTrail,
  isJsonObject,
  LIST_MEMBERS,
  repairList,
  type JsonValue,
  type ListMethod,
  type RepairedList,
  type RpcError,
} from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { hideServerSecrets, type ServerDefinition } from '../registry/index.js';
import { UpstreamAdapters } from './adapters/index.js';
import { DefaultUpstreamConnector } from './connector/index.js';
import { COMMON_ACCOUNT, CredentialSource } from './credentials/index.js';
import { FailureDetails } from './failure-details.js';
import { GATEWAY_CLIENT } from './gateway-identity.js';
import type { UpstreamConnection } from './upstream-connection.js';
import { UpstreamConfig } from './upstream.config.js';
import { UpstreamServices } from './upstream-services.js';

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
      /** What clients could not read in the lists: items that are repaired or left out, and lists that end oddly. */
      readonly warnings?: readonly string[];
      readonly tookMs: number;
    }
  | {
      readonly reachable: false;
      readonly code: number;
      readonly reason: string;
      /** What operators need to mend it, such as the last output of a process. Callers are not told. */
      readonly detail?: string;
      readonly tookMs: number;
    };

type Findings = Pick<Extract<ConnectionTestResult, { reachable: true }>, 'tools' | 'warnings'>;

/** Receives one page of one of the server's lists. */
type OnListPage = (kind: (typeof LIST_MEMBERS)[ListMethod], page: readonly JsonValue[]) => void;

const MAX_NAME_LENGTH = 200;
const MAX_PAGES = 200;
const MAX_ITEMS = 50_000;
const MAX_WARNINGS = 100;
/** The connector gives up first, and says why. */
const MARGIN_MS = 1_000;
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
    @Optional() private readonly credentials?: CredentialSource,
    @Optional() private readonly adapters?: UpstreamAdapters,
  ) {}

  /** Calls `onPage` with each page of the server's lists. */
  async run(
    server: ServerDefinition,
    onPage: OnListPage = () => undefined,
    stop: AbortSignal = NEVER,
  ): Promise<ConnectionTestResult> {
    const details = new FailureDetails(this.clock);
    const services = new UpstreamServices(this.config, this.clock, this.guard, details);
    const connector = new DefaultUpstreamConnector(services, this.adapters?.isolated(services));
    const startedAt = this.clock.monotonicNow();
    const tookMs = () => Math.round(this.clock.monotonicNow() - startedAt);
    const signal = AbortSignal.any([stop, this.clock.timeoutSignal(server.timeouts.connectMs + MARGIN_MS)]);
    try {
      const attempt = { signal, credentials: await this.credentials?.obtain(server, COMMON_ACCOUNT) };
      await connector.resolveEra(server, GATEWAY_CLIENT, attempt);
      const connection = await connector.open(server, GATEWAY_CLIENT, NO_EVENTS, attempt);
      const summary = toServerSummary(connection);
      const findings = await readLists(
        connection,
        onPage,
        AbortSignal.any([stop, this.clock.timeoutSignal(server.timeouts.requestMs)]),
      );
      await connection.close();
      return { reachable: true, ...summary, ...findings, tookMs: tookMs() };
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      const detail = details.get(server.slug)?.detail;
      return {
        reachable: false,
        ...toReason(server, cause.toRpcError()),
        ...(detail !== undefined && { detail }),
        tookMs: tookMs(),
      };
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

/** A server may repeat in a refusal what it received. */
const toReason = (server: ServerDefinition, { code, message }: RpcError) => ({
  code,
  reason: hideServerSecrets(server, message),
});

function toServerSummary({ profile }: UpstreamConnection) {
  const { era, revision, capabilities, serverInfo } = profile;
  const textMember = (member: string) => {
    const value = serverInfo?.[member];
    return typeof value === 'string' ? { [member]: value.slice(0, MAX_NAME_LENGTH) } : {};
  };
  return { era, revision, ...textMember('name'), ...textMember('version'), capabilities: Object.keys(capabilities) };
}

/** Passes all pages of all lists to `onPage`, as the server lists them. */
async function readLists(connection: UpstreamConnection, onPage: OnListPage, signal: AbortSignal): Promise<Findings> {
  let tools: number | undefined;
  const warnings: string[] = [];
  for (const [method, capability] of LISTED) {
    if (!isJsonObject(connection.profile.capabilities[capability])) continue;
    for await (const page of readPages(connection, method, signal)) {
      onPage(
        LIST_MEMBERS[method],
        page.items.map(({ original }) => original),
      );
      warnings.push(...page.warnings);
      if (method === 'tools/list') tools = (tools ?? 0) + page.items.length;
    }
  }
  return {
    ...(tools !== undefined && { tools }),
    ...(warnings.length > 0 && { warnings: warnings.slice(0, MAX_WARNINGS) }),
  };
}

/** Yields the pages of a list until it ends, fails, repeats its cursor or exceeds the bounds. */
async function* readPages(
  connection: UpstreamConnection,
  method: ListMethod,
  signal: AbortSignal,
): AsyncGenerator<Pick<RepairedList, 'items' | 'warnings'>> {
  const trail = new CursorTrail();
  const { era: serverEra } = connection.profile;
  let cursor: string | undefined;
  let items = 0;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const request = { method, params: { ...(cursor !== undefined && { cursor }) }, client: GATEWAY_CLIENT };
    const outcome = await connection.request(request, NO_REPLY, signal);
    const page = outcome.kind === 'error' ? undefined : repairList(method, outcome.result, { serverEra, cursor });
    if (outcome.kind === 'error' || !page) return;
    const next = trail.follow(page.result['nextCursor'], cursor);
    const circle = next.fault === undefined ? [] : [`${method} ends early: ${next.fault}.`];
    yield { items: page.items, warnings: [...page.warnings, ...circle] };
    items += page.items.length;
    if (next.cursor === undefined || items > MAX_ITEMS) return;
    cursor = next.cursor;
  }
}
