import { Injectable, Logger } from '@nestjs/common';
import { isJsonObject, readParameterHeaders, type JsonValue, type ParameterHeader } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { CallDelivery, SILENT_SINK } from './call-delivery.js';
import type { Inbound } from './inbound.js';
import { collectPages } from './pages.js';
import { ServerProfiles } from './server-profiles.js';

type HeadersByTool = ReadonlyMap<string, readonly ParameterHeader[]>;

const NONE: readonly ParameterHeader[] = [];
/** A changed annotation shows at the latest after this; a list that passes through shows it at once. */
const FRESH_MS = 60_000;

interface Known {
  readonly server: ServerDefinition;
  readonly learnedAt: number;
  readonly tools: HeadersByTool | Promise<HeadersByTool>;
}

/**
 * Knows which parameters of which tools are mirrored into `Mcp-Param-*` headers (specification 2026:
 * basic/transports/streamable-http, Custom Headers from Tool Parameters). Learns it from lists that pass through, and
 * asks a modern server before its first call.
 */
@Injectable()
export class ToolHeaders {
  private readonly logger = new Logger(ToolHeaders.name);
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly profiles: ServerProfiles,
    private readonly delivery: CallDelivery,
  ) {}

  /** Synchronous once the server's tools are known, and for servers that know no such headers. */
  of(
    server: ServerDefinition,
    tool: string,
    inbound: Inbound,
  ): readonly ParameterHeader[] | Promise<readonly ParameterHeader[]> {
    if (server.transport === 'sse') return NONE;
    const era = this.profiles.eraOf(server);
    if (era === 'legacy') return NONE;
    const known = this.known.get(server.slug);
    if (known?.server === server && Date.now() - known.learnedAt < FRESH_MS) return pick(known.tools, tool);
    return this.ask(server, tool, inbound);
  }

  /** Takes over what a complete list says. */
  learn(server: ServerDefinition, tools: readonly JsonValue[]): void {
    this.known.set(server.slug, { server, learnedAt: Date.now(), tools: this.read(server, tools) });
  }

  private async ask(server: ServerDefinition, tool: string, inbound: Inbound): Promise<readonly ParameterHeader[]> {
    const era = await this.profiles.learnEra(server).catch(() => undefined);
    if (era !== 'modern') return NONE;
    const tools = this.list(server, inbound);
    this.known.set(server.slug, { server, learnedAt: Date.now(), tools });
    return pick(tools, tool);
  }

  private async list(server: ServerDefinition, inbound: Inbound): Promise<HeadersByTool> {
    const pages = await collectPages('tools/list', (request) =>
      this.delivery.deliver(inbound, { server, request, silent: true }, SILENT_SINK, NEVER),
    );
    if ('items' in pages) {
      const tools = this.read(server, pages.items);
      this.known.set(server.slug, { server, learnedAt: Date.now(), tools });
      return tools;
    }
    this.known.delete(server.slug);
    return new Map();
  }

  private read(server: ServerDefinition, tools: readonly JsonValue[]): HeadersByTool {
    const headers = new Map<string, readonly ParameterHeader[]>();
    for (const tool of tools) {
      if (!isJsonObject(tool) || !isJsonObject(tool['inputSchema'])) continue;
      const reading = readParameterHeaders(tool['inputSchema']);
      if ('fault' in reading) this.logger.warn(`${server.slug}: tool ${String(tool['name'])}: ${reading.fault}`);
      else if (reading.headers.length > 0) headers.set(String(tool['name']), reading.headers);
    }
    return headers;
  }
}

const NEVER = new AbortController().signal;

function pick(tools: Known['tools'], tool: string): readonly ParameterHeader[] | Promise<readonly ParameterHeader[]> {
  return tools instanceof Promise ? tools.then((known) => known.get(tool) ?? NONE) : (tools.get(tool) ?? NONE);
}
