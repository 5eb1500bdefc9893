import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  RootsListChangedNotificationSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  ResultSchema,
  UnsubscribeRequestSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';

import {
  answerVendorRequest,
  recordVendorNotification,
  callTool,
  capabilities,
  complete,
  getPrompt,
  identity,
  instructions,
  pageOf,
  promptsIn,
  readResource,
  RESOURCE_NOT_FOUND,
  resourcesIn,
  resourceTemplates,
  toolsIn,
} from '../features/index.js';
import type { FeatureContext, LogLevel, ReferenceWorld, WorldChange } from '../features/index.js';
import { legacyContext, type Extra } from './legacy-context.js';

const SEVERITY: LogLevel[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** The server of one session or one stateless request of the legacy era, on the official SDK v1. */
export class LegacyServer {
  readonly server = new Server(identity, { capabilities, instructions });
  private readonly subscribed = new Set<string>();
  private level: LogLevel = 'debug';

  constructor(
    private readonly world: ReferenceWorld,
    private readonly pageSize: number,
  ) {
    this.serveLists();
    this.serveItems();
    this.serveSubscriptions();
    this.countRootChanges();
    this.serveVendor();
    const stopListening = world.onChange((change) => void this.notify(change));
    this.server.onclose = stopListening;
  }

  private serveLists(): void {
    const { server, world, pageSize } = this;
    server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
      const { items, ...next } = pageOf(toolsIn(world), params?.cursor, pageSize);
      return {
        tools: items.map(({ definition, execution }) => ({ ...definition, ...(execution && { execution }) })),
        ...next,
      };
    });
    server.setRequestHandler(ListPromptsRequestSchema, ({ params }) => {
      const { items, ...next } = pageOf(promptsIn(world), params?.cursor, pageSize);
      return { prompts: items.map(({ definition }) => definition), ...next };
    });
    server.setRequestHandler(ListResourcesRequestSchema, ({ params }) => {
      const { items, ...next } = pageOf(resourcesIn(world), params?.cursor, pageSize);
      return { resources: items.map(({ definition }) => definition), ...next };
    });
    server.setRequestHandler(ListResourceTemplatesRequestSchema, ({ params }) => {
      const { items, ...next } = pageOf(resourceTemplates(), params?.cursor, pageSize);
      return { resourceTemplates: items.map(({ definition }) => definition), ...next };
    });
  }

  private serveItems(): void {
    this.server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) =>
      callTool(params.name, params.arguments ?? {}, this.contextOf(extra, params.name)),
    );
    this.server.setRequestHandler(GetPromptRequestSchema, ({ params }, extra) =>
      getPrompt(params.name, params.arguments ?? {}, this.contextOf(extra, params.name)),
    );
    this.server.setRequestHandler(ReadResourceRequestSchema, async ({ params }, extra) => ({
      contents: [await readResource(params.uri, this.contextOf(extra, params.uri), RESOURCE_NOT_FOUND.legacy)],
    }));
    this.server.setRequestHandler(CompleteRequestSchema, ({ params }) => complete(params.argument.value));
  }

  private serveSubscriptions(): void {
    this.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
      this.subscribed.add(params.uri);
      return {};
    });
    this.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
      this.subscribed.delete(params.uri);
      return {};
    });
    this.server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
      this.level = params.level;
      return {};
    });
  }

  private countRootChanges(): void {
    this.server.setNotificationHandler(RootsListChangedNotificationSchema, ({ method }) => {
      this.world.calls.record(method, 'started');
    });
  }

  private serveVendor(): void {
    const { server, world } = this;
    server.fallbackRequestHandler = ({ method, params = {} }, extra) =>
      answerVendorRequest(method, params, {
        world,
        notify: (told, own, where) => {
          const notification = { method: told, params: own } as unknown as ServerNotification;
          return where === 'inside' ? extra.sendNotification(notification) : server.notification(notification);
        },
        ask: (asked, own, where) => {
          const request = { method: asked, params: own } as unknown as ServerRequest;
          return where === 'inside' ? extra.sendRequest(request, ResultSchema) : server.request(request, ResultSchema);
        },
      });
    server.fallbackNotificationHandler = async ({ method, params = {} }) =>
      recordVendorNotification(method, params, world);
  }

  private contextOf(extra: Extra, feature: string): FeatureContext {
    const allowsLevel = (level: LogLevel): boolean => SEVERITY.indexOf(level) >= SEVERITY.indexOf(this.level);
    const onAsk = (): void => this.world.calls.record(feature, 'asked');
    return legacyContext({ world: this.world, server: this.server, extra, allowsLevel, onAsk });
  }

  private async notify(change: WorldChange): Promise<void> {
    if (!this.server.transport) return;
    if (change.kind === 'tools') return this.server.sendToolListChanged();
    if (change.kind === 'prompts') return this.server.sendPromptListChanged();
    if (change.kind === 'resources') return this.server.sendResourceListChanged();
    if (this.subscribed.has(change.uri)) await this.server.sendResourceUpdated({ uri: change.uri });
  }
}
