import { Body, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Inspection } from '../inspection/inspection.js';
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
import { RequireRoles } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { DescribeRoute, DescribeEntries } from '../openapi/route-description.js';
import type { Page } from '../pages.js';
import { EntriesController } from './entries.controller.js';
import type { EntryResponse } from './entries.js';
import { NewEntry, ServerQuery } from './entry-requests.js';
import { ItemDiscovery } from './item-discovery.js';
import { replyWithEntry } from './entry-responses.js';
import { toHealthResponse, type HealthResponse } from './health-response.js';

/** The servers behind the gateway. */
@AdminController('servers')
@DescribeEntries({ name: 'Server', classes: [RemoteServerEntry, StdioServerEntry, RestServerEntry] })
export class ServersController extends EntriesController<ServerDefinition> {
  constructor(
    private readonly store: RegistryStore,
    private readonly registry: ServerRegistry,
    private readonly trial: ServerTrial,
    private readonly discovery: ItemDiscovery,
    private readonly inspection: Inspection,
  ) {
    super('servers', store.servers);
  }

  /** By slug. */
  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'Lists servers by slug, a page at a time', response: 'EntryPage' })
  override list(@Query() query: ServerQuery): Promise<Page<EntryResponse>> {
    const { transport, enabled } = query;
    return this.entries.list(
      query,
      (entry) =>
        (transport === undefined || entry['transport'] === transport) &&
        (enabled === undefined || (entry['enabled'] !== false) === enabled),
    );
  }

  /** Tries to reach a server that need not be there yet: nothing is written. */
  @Post('test')
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Tries to reach a server, without creating it', response: 'Trial' })
  async test(@Body() body: NewEntry): Promise<Trial> {
    return this.trial.run(await this.entries.validate(body));
  }

  /** Tries to reach it as if nothing were known of it, in whatever era it answers. */
  @Post(':slug/test')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Tries to reach a server, and says why it cannot be reached', response: 'Trial' })
  async testStored(@Param('slug') slug: string): Promise<Trial> {
    return this.discovery.run(this.requireDefinition(slug));
  }

  /** Closes its connections once their calls are answered, and forgets what was learned of it, at every worker. */
  @Post(':slug/refresh')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Has a server reached anew at every worker' })
  async refresh(@Param('slug') slug: string): Promise<void> {
    await this.store.refresh(slug);
    this.discovery.schedule(slug);
  }

  @Get(':slug/health')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'How calls at a server have ended lately, at each worker', response: 'ServerHealth' })
  async health(@Param('slug') slug: string): Promise<HealthResponse> {
    return toHealthResponse(await this.inspection.serverHealth(this.requireDefinition(slug).slug));
  }

  /** Takes a server back into service. */
  @Post(':slug/enable')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Takes a server back into service', response: 'Entry' })
  async enable(
    @Param('slug') slug: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EntryResponse | undefined> {
    const enabled = await this.entries.patch(slug, { enabled: true });
    this.onEntryWritten(slug);
    return replyWithEntry(reply, enabled);
  }

  /** Takes a server out of service: it is left out everywhere, and its connections are closed. */
  @Post(':slug/disable')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Takes a server out of service', response: 'Entry' })
  async disable(
    @Param('slug') slug: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EntryResponse | undefined> {
    return replyWithEntry(reply, await this.entries.patch(slug, { enabled: false }));
  }

  protected override onEntryWritten(slug: string): void {
    this.discovery.schedule(slug);
  }

  /** Those that are out of service too. */
  private requireDefinition(slug: string): ServerDefinition {
    const server = this.registry.snapshot.servers.find((candidate) => candidate.slug === slug);
    if (!server) throw new EntryUnknown(slug);
    return server;
  }
}
