import { randomBytes } from 'node:crypto';

import {
  createRequestStateCodec,
  fromJsonSchema,
  inputRequired,
  McpServer,
  type InputRequests,
  type InputRequiredResult,
  type RequestStateCodec,
  type ServerContext,
} from '@modelcontextprotocol/server';

import {
  answerVendorRequest,
  recordVendorNotification,
  VENDOR_METHODS,
  callTool,
  capabilities,
  complete,
  findTool,
  getPrompt,
  identity,
  InputNeeded,
  instructions,
  pageOf,
  promptsIn,
  readResource,
  RESOURCE_NOT_FOUND,
  resourcesIn,
  resourceTemplates,
  toolsIn,
} from '../features/index.js';
import type { FeatureContext, Json, ReferenceWorld } from '../features/index.js';
import { modernContext } from './modern-context.js';
import type { AnsweredSoFar } from './replayed-questions.js';

/** Lifetime and cache scope of the lists. */
export interface ListHints {
  ttlMs: number;
  cacheScope: 'public' | 'private';
}

const ANY_PARAMS = fromJsonSchema<Json>({ type: 'object' });

const cacheHints = (lists: ListHints) =>
  ({
    'tools/list': lists,
    'prompts/list': lists,
    'resources/list': lists,
    'resources/templates/list': lists,
    'resources/read': { ttlMs: 0, cacheScope: 'private' },
  }) as const;

/** Creates the codec that seals request states. All requests and connections of one server share it. */
export function newStateCodec(): RequestStateCodec<AnsweredSoFar> {
  return createRequestStateCodec<AnsweredSoFar>({ key: randomBytes(32) });
}

/** The server of one request (HTTP) or connection (stdio) of the modern era, on the official SDK v2. */
export class ModernServer extends McpServer {
  constructor(
    private readonly world: ReferenceWorld,
    private readonly pageSize: number,
    private readonly codec: RequestStateCodec<AnsweredSoFar>,
    lists: ListHints = { ttlMs: 1_000, cacheScope: 'public' },
  ) {
    const hints = cacheHints(lists);
    super(identity, { capabilities, instructions, cacheHints: hints, requestState: { verify: codec.verify } });
    this.serveLists();
    this.serveItems();
    this.serveVendor();
  }

  /** The SDK reads `x-mcp-header` here before it accepts a call. */
  override toolInputSchemaJson(name: string): Record<string, unknown> | undefined {
    return findTool(this.world, name)?.definition.inputSchema;
  }

  private serveLists(): void {
    const { server, world, pageSize } = this;
    server.setRequestHandler('tools/list', ({ params }) => {
      const { items, ...next } = pageOf(toolsIn(world), params?.cursor, pageSize);
      return { tools: items.map(({ definition }) => definition), ...next };
    });
    server.setRequestHandler('prompts/list', ({ params }) => {
      const { items, ...next } = pageOf(promptsIn(world), params?.cursor, pageSize);
      return { prompts: items.map(({ definition }) => definition), ...next };
    });
    server.setRequestHandler('resources/list', ({ params }) => {
      const { items, ...next } = pageOf(resourcesIn(world), params?.cursor, pageSize);
      return { resources: items.map(({ definition }) => definition), ...next };
    });
    server.setRequestHandler('resources/templates/list', ({ params }) => {
      const { items, ...next } = pageOf(resourceTemplates(), params?.cursor, pageSize);
      return { resourceTemplates: items.map(({ definition }) => definition), ...next };
    });
  }

  private serveItems(): void {
    this.server.setRequestHandler('tools/call', ({ params }, request) =>
      this.answer(request, params.name, (context) => callTool(params.name, params.arguments ?? {}, context)),
    );
    this.server.setRequestHandler('prompts/get', ({ params }, request) =>
      this.answer(request, params.name, (context) => getPrompt(params.name, params.arguments ?? {}, context)),
    );
    this.server.setRequestHandler('resources/read', ({ params }, request) =>
      this.answer(request, params.uri, async (context) => ({
        contents: [await readResource(params.uri, context, RESOURCE_NOT_FOUND.modern)],
      })),
    );
    this.server.setRequestHandler('completion/complete', ({ params }) => complete(params.argument.value));
  }

  private serveVendor(): void {
    const { server, world } = this;
    // A fallback for all methods would answer unknown ones with the HTTP status of a result.
    for (const method of VENDOR_METHODS) {
      server.setRequestHandler(method, { params: ANY_PARAMS }, (params, { mcpReq }) =>
        answerVendorRequest(method, params, {
          world,
          notify: (told, own, where) => {
            const notification = { method: told, params: own };
            return where === 'inside' ? mcpReq.notify(notification) : server.notification(notification);
          },
        }),
      );
    }
    server.fallbackNotificationHandler = async ({ method, params = {} }) =>
      recordVendorNotification(method, params, world);
  }

  private async answer<T>(
    request: ServerContext,
    name: string,
    run: (context: FeatureContext) => Promise<T>,
  ): Promise<T | InputRequiredResult> {
    try {
      return await run(modernContext(this.world, request, this.codec));
    } catch (error) {
      if (!(error instanceof InputNeeded)) throw error;
      this.world.calls.record(name, 'asked');
      return inputRequired({
        inputRequests: error.questions as InputRequests,
        ...(error.state !== undefined && { requestState: error.state }),
      });
    }
  }
}
