import { Injectable } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { isJsonObject, LIST_MEMBERS, type ListMethod, type RpcError } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { DefaultUpstreamConnector } from './connector/index.js';
import { GATEWAY_CLIENT } from './gateway-identity.js';
import type { UpstreamConnection } from './upstream-connection.js';
import { UpstreamConfig } from './upstream.config.js';

/** What came of trying to reach a server. */
export type Trial =
  | {
      readonly reachable: true;
      readonly era: string;
      readonly revision: string;
      /** As the server names itself. */
      readonly name?: string;
      readonly version?: string;
      /** Names of the capabilities that it declares. */
      readonly capabilities: readonly string[];
      /** How many tools the first page of its list has; absent where it has no tools, or does not list them. */
      readonly tools?: number;
      readonly tookMs: number;
    }
  | { readonly reachable: false; readonly code: number; readonly reason: string; readonly tookMs: number };

const LONGEST_NAME = 200;

/** Tries to reach a server as if nothing were known of it, and without a trace in what is. */
@Injectable()
export class ServerTrial {
  constructor(private readonly config: UpstreamConfig) {}

  async run(server: ServerDefinition): Promise<Trial> {
    const connector = new DefaultUpstreamConnector(this.config);
    const startedAt = performance.now();
    const tookMs = () => Math.round(performance.now() - startedAt);
    const signal = AbortSignal.timeout(server.timeouts.connectMs);
    try {
      if (server.transport !== 'rest') await connector.era(server, signal);
      const connection = await connector.open(server, GATEWAY_CLIENT, SILENT, signal);
      const told = profileOf(connection);
      const tools = await toolsOf(connection, signal);
      await connection.close();
      return { reachable: true, ...told, ...(tools !== undefined && { tools }), tookMs: tookMs() };
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      return { reachable: false, ...reasonOf(cause.toRpcError()), tookMs: tookMs() };
    } finally {
      await connector.shutdown();
    }
  }
}

const SILENT = { notify: () => undefined, closed: () => undefined };
const UNASKED = { notify: () => undefined, ask: () => Promise.reject(new Error('Nobody is there to be asked.')) };

const reasonOf = ({ code, message }: RpcError) => ({ code, reason: message });

function profileOf({ profile }: UpstreamConnection) {
  const { era, revision, capabilities, serverInfo } = profile;
  const textOf = (member: string) => {
    const value = serverInfo?.[member];
    return typeof value === 'string' ? { [member]: value.slice(0, LONGEST_NAME) } : {};
  };
  return { era, revision, ...textOf('name'), ...textOf('version'), capabilities: Object.keys(capabilities) };
}

async function toolsOf(connection: UpstreamConnection, signal: AbortSignal): Promise<number | undefined> {
  if (!isJsonObject(connection.profile.capabilities['tools'])) return undefined;
  const method: ListMethod = 'tools/list';
  const request = { method, params: {}, client: GATEWAY_CLIENT };
  const outcome = await connection.request(request, UNASKED, signal);
  if (outcome.kind === 'error') return undefined;
  const tools = outcome.result[LIST_MEMBERS[method]];
  return Array.isArray(tools) ? tools.length : undefined;
}
