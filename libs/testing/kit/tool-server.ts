import type { IncomingMessage, ServerResponse } from 'node:http';
import { createMcpHandler, fromJsonSchema, McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import type { JsonObject } from '#lib/mcp-protocol';
import { listen } from '../reference-server/http-host.js';
import { readBody, toWebRequest, writeWebResponse } from '../reference-server/modern/web-bridge.js';

/** A tool of a test server. */
export interface TestTool {
  readonly description?: string;
  /** JSON Schema of the arguments. Default: any object. */
  readonly inputSchema?: JsonObject;
  readonly annotations?: { readonly readOnlyHint?: boolean; readonly destructiveHint?: boolean };
  /** Returns the text of the result, or a whole result. A thrown error becomes a result with `isError`. */
  run(args: JsonObject): string | CallToolResult | Promise<string | CallToolResult>;
}

/** A call as the server received it. */
export interface ReceivedCall {
  readonly name: string;
  readonly args: JsonObject;
  /** The headers of the request, by name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A server of both eras over streamable HTTP, on a free port of 127.0.0.1. */
export interface ToolServer {
  readonly url: string;
  /** The calls in the order of their arrival. */
  readonly calls: readonly ReceivedCall[];
  close(): Promise<void>;
}

/** Starts a well-behaved server with these tools, by name. */
export async function startToolServer(tools: Readonly<Record<string, TestTool>>): Promise<ToolServer> {
  const calls: ReceivedCall[] = [];
  const handler = createMcpHandler(() => createServer(tools, calls));
  const endpoint = {
    openSessions: 0,
    serve: async (request: IncomingMessage, response: ServerResponse) => {
      const disconnected = new AbortController();
      response.on('close', () => disconnected.abort());
      const body = await readBody(request);
      await writeWebResponse(await handler.fetch(toWebRequest(request, body, disconnected.signal)), response);
    },
    forgetSessions: () => Promise.resolve(),
    close: () => handler.close(),
  };
  const { origin, close } = await listen(endpoint, 0);
  return { url: `${origin}/mcp`, calls, close };
}

const ANY_OBJECT: JsonObject = { type: 'object' };

function createServer(tools: Readonly<Record<string, TestTool>>, calls: ReceivedCall[]): McpServer {
  const server = new McpServer({ name: 'test-server', version: '1.0.0' });
  for (const [name, tool] of Object.entries(tools)) {
    const { description = name, inputSchema = ANY_OBJECT, annotations } = tool;
    server.registerTool(
      name,
      { description, inputSchema: fromJsonSchema<JsonObject>(inputSchema), ...(annotations && { annotations }) },
      async (args, { http }) => {
        calls.push({ name, args, headers: Object.fromEntries(http?.req?.headers ?? []) });
        const result = await tool.run(args);
        return typeof result === 'string' ? { content: [{ type: 'text' as const, text: result }] } : result;
      },
    );
  }
  return server;
}
