import { Body, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { RegistryStore, type ServerDefinition } from '../../registry/index.js';
import { Takes } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import type { Page } from '../pages.js';
import { AdminEntries, type ShownEntry } from './entries.js';
import { EntryReplacement, NewEntry, ServerQuery } from './entry-requests.js';
import { answer, answerCreated } from './entry-answers.js';

/** The servers behind the gateway. */
@AdminController('servers')
export class ServersController {
  private readonly entries: AdminEntries<ServerDefinition>;

  constructor(store: RegistryStore) {
    this.entries = new AdminEntries(store.servers);
  }

  @Get()
  @Takes(['admin', 'operator', 'auditor'])
  list(@Query() query: ServerQuery): Promise<Page<ShownEntry>> {
    const { transport, enabled } = query;
    return this.entries.list(
      query,
      (entry) =>
        (transport === undefined || entry['transport'] === transport) &&
        (enabled === undefined || (entry['enabled'] !== false) === enabled),
    );
  }

  @Get(':slug')
  @Takes(['admin', 'operator', 'auditor'])
  async find(
    @Param('slug') slug: string,
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownEntry | undefined> {
    return answer(reply, await this.entries.find(slug), known);
  }

  @Post()
  @Takes(['admin'])
  async create(@Body() body: NewEntry, @Res({ passthrough: true }) reply: FastifyReply): Promise<ShownEntry> {
    return answerCreated(reply, 'servers', await this.entries.create(body));
  }

  @Put(':slug')
  @Takes(['admin'])
  async replace(
    @Param('slug') slug: string,
    @Body() { entry }: EntryReplacement,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownEntry | undefined> {
    return answer(reply, await this.entries.replace(slug, entry, ifMatch));
  }

  @Delete(':slug')
  @Takes(['admin'])
  @HttpCode(204)
  delete(@Param('slug') slug: string, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    return this.entries.delete(slug, ifMatch);
  }

  /** Takes a server back into service. */
  @Post(':slug/enable')
  @Takes(['admin', 'operator'])
  @HttpCode(200)
  async enable(
    @Param('slug') slug: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownEntry | undefined> {
    return answer(reply, await this.entries.amend(slug, { enabled: true }));
  }

  /** Takes a server out of service: it is left out everywhere, and its connections are closed. */
  @Post(':slug/disable')
  @Takes(['admin', 'operator'])
  @HttpCode(200)
  async disable(
    @Param('slug') slug: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownEntry | undefined> {
    return answer(reply, await this.entries.amend(slug, { enabled: false }));
  }
}
