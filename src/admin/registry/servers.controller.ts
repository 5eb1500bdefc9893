import { Body, Delete, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
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
import { ConnectionTest, type ConnectionTestResult } from '../../upstream/index.js';
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
@DescribeEntries({
  name: 'Server',
  classes: [RemoteServerEntry, StdioServerEntry, RestServerEntry],
  includesContributed: true,
})
export class ServersController extends EntriesController<ServerDefinition> {
  constructor(
    private readonly store: RegistryStore,
    private readonly registry: ServerRegistry,
    private readonly trial: ConnectionTest,
    private readonly discovery: ItemDiscovery,
    private readonly inspection: Inspection,
  ) {
    super('servers', store.servers);
  }

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'List servers by slug', response: 'EntryPage' })
  override list(@Query() query: ServerQuery): Promise<Page<EntryResponse>> {
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
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Test the connection to a server without creating it', response: 'Trial' })
  async test(@Body() body: NewEntry): Promise<ConnectionTestResult> {
    return this.trial.run(await this.entries.validate(body));
  }

  /** Connects without cached state, in either era, and records the listed items. */
  @Post(':slug/test')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Test the connection to a stored server', response: 'Trial' })
  async testStored(@Param('slug') slug: string): Promise<ConnectionTestResult> {
    return this.discovery.run(this.requireDefinition(slug));
  }

  /** At every worker: closes its connections after their in-flight calls and discards cached state of the server. */
  @Post(':slug/refresh')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Reconnect to a server at every worker' })
  async refresh(@Param('slug') slug: string): Promise<void> {
    await this.store.refresh(slug);
    this.discovery.schedule(slug);
  }

  @Get(':slug/health')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({
    summary: 'Show the health of a server at each worker, derived from its last calls',
    response: 'ServerHealth',
  })
  async health(@Param('slug') slug: string): Promise<HealthResponse> {
    return toHealthResponse(await this.inspection.serverHealth(this.requireDefinition(slug).slug));
  }

  @Post(':slug/enable')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Enable a server', response: 'Entry' })
  async enable(
    @Param('slug') slug: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EntryResponse | undefined> {
    const enabled = await this.entries.patch(slug, { enabled: true }, ifMatch);
    this.onEntryWritten(slug);
    return replyWithEntry(reply, enabled);
  }

  /** Removes the server from all endpoints and closes its connections. */
  @Post(':slug/disable')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Disable a server', response: 'Entry' })
  async disable(
    @Param('slug') slug: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EntryResponse | undefined> {
    return replyWithEntry(reply, await this.entries.patch(slug, { enabled: false }, ifMatch));
  }

  @Delete(':slug')
  @RequireRoles(['admin'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Delete a server with its approvals and overrides' })
  override async delete(@Param('slug') slug: string, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    const deleted = this.registry.snapshot.servers.filter((server) => server.slug === slug);
    await this.entries.delete(slug, ifMatch);
    await this.discovery.forget(deleted);
  }

  protected override onEntryWritten(slug: string): void {
    this.discovery.schedule(slug);
  }

  /** Finds a server, including a disabled one. */
  private requireDefinition(slug: string): ServerDefinition {
    const server = this.registry.snapshot.servers.find((candidate) => candidate.slug === slug);
    if (!server) throw new EntryUnknown(slug);
    return server;
  }
}
