import { Body, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Inspection } from '../../affinity/index.js';
import {
  EntryUnknown,
  RegistryStore,
  RemoteServerEntry,
  RestServerEntry,
  type ServerDefinition,
  ServerRegistry,
  StdioServerEntry,
} from '../../registry/index.js';
import { ServerTrial, type Trial } from '../../upstream/index.js';
import { Takes } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { Describes, HoldsEntries } from '../openapi/described.js';
import type { Page } from '../pages.js';
import { EntriesController } from './entries.controller.js';
import type { ShownEntry } from './entries.js';
import { NewEntry, ServerQuery } from './entry-requests.js';
import { Discovery } from './discovery.js';
import { answer } from './entry-answers.js';
import { healthAt, type ShownHealth } from './shown-health.js';

/** The servers behind the gateway. */
@AdminController('servers')
@HoldsEntries({ name: 'Server', forms: [RemoteServerEntry, StdioServerEntry, RestServerEntry] })
export class ServersController extends EntriesController<ServerDefinition> {
  constructor(
    private readonly store: RegistryStore,
    private readonly registry: ServerRegistry,
    private readonly trial: ServerTrial,
    private readonly discovery: Discovery,
    private readonly inspection: Inspection,
  ) {
    super('servers', store.servers);
  }

  @Get()
  @Takes(['admin', 'operator', 'auditor'])
  @Describes({ summary: 'List servers by slug', answer: 'EntryPage' })
  override list(@Query() query: ServerQuery): Promise<Page<ShownEntry>> {
    const { transport, enabled } = query;
    return this.entries.list(
      query,
      (entry) =>
        (transport === undefined || entry['transport'] === transport) &&
        (enabled === undefined || (entry['enabled'] !== false) === enabled),
    );
  }

  /** Connects to a server that need not exist yet. Stores nothing. */
  @Post('test')
  @Takes(['admin'])
  @HttpCode(200)
  @Describes({ summary: 'Test the connection to a server without creating it', answer: 'Trial' })
  async test(@Body() body: NewEntry): Promise<Trial> {
    return this.trial.run(await this.entries.draft(body));
  }

  /** Connects without cached state, in either era, and records the listed items. */
  @Post(':slug/test')
  @Takes(['admin', 'operator'])
  @HttpCode(200)
  @Describes({ summary: 'Test the connection to a stored server', answer: 'Trial' })
  async testStored(@Param('slug') slug: string): Promise<Trial> {
    return this.discovery.run(this.definitionOf(slug));
  }

  /** At every worker: closes its connections after their in-flight calls and discards cached state of the server. */
  @Post(':slug/refresh')
  @Takes(['admin', 'operator'])
  @HttpCode(204)
  @Describes({ summary: 'Reconnect to a server at every worker' })
  async refresh(@Param('slug') slug: string): Promise<void> {
    await this.store.refresh(slug);
    this.discovery.begin(slug);
  }

  @Get(':slug/health')
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({
    summary: 'Show the health of a server at each worker, derived from its last calls',
    answer: 'ServerHealth',
  })
  async health(@Param('slug') slug: string): Promise<ShownHealth> {
    return healthAt(await this.inspection.serverHealth(this.definitionOf(slug).slug));
  }

  @Post(':slug/enable')
  @Takes(['admin', 'operator'])
  @HttpCode(200)
  @Describes({ summary: 'Enable a server', answer: 'Entry' })
  async enable(
    @Param('slug') slug: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownEntry | undefined> {
    const enabled = await this.entries.amend(slug, { enabled: true });
    this.written(slug);
    return answer(reply, enabled);
  }

  /** Removes the server from all endpoints and closes its connections. */
  @Post(':slug/disable')
  @Takes(['admin', 'operator'])
  @HttpCode(200)
  @Describes({ summary: 'Disable a server', answer: 'Entry' })
  async disable(
    @Param('slug') slug: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownEntry | undefined> {
    return answer(reply, await this.entries.amend(slug, { enabled: false }));
  }

  protected override written(slug: string): void {
    this.discovery.begin(slug);
  }

  /** Finds a server, including a disabled one. */
  private definitionOf(slug: string): ServerDefinition {
    const server = this.registry.snapshot.servers.find((candidate) => candidate.slug === slug);
    if (!server) throw new EntryUnknown(slug);
    return server;
  }
}
