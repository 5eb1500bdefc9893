import { Body, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { RegistryStore, type VirtualServerDefinition } from '../../registry/index.js';
import { Takes } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import type { Page } from '../pages.js';
import { AdminEntries, type ShownEntry } from './entries.js';
import { answer, answerCreated } from './entry-answers.js';
import { EntryQuery, EntryReplacement, NewEntry } from './entry-requests.js';

/** Endpoints that are put together from several servers. */
@AdminController('virtual-servers')
export class VirtualServersController {
  private readonly entries: AdminEntries<VirtualServerDefinition>;

  constructor(store: RegistryStore) {
    this.entries = new AdminEntries(store.virtualServers);
  }

  @Get()
  @Takes(['admin', 'operator', 'auditor'])
  list(@Query() query: EntryQuery): Promise<Page<ShownEntry>> {
    return this.entries.list(query);
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
    return answerCreated(reply, 'virtual-servers', await this.entries.create(body));
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
}
