import { Body, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { RegistryEntries } from '../../registry/index.js';
import { RequireRoles } from '../admin-guard.js';
import type { Page } from '../pages.js';
import { AdminEntries, type EntryResponse } from './entries.js';
import { replyWithEntry, replyWithCreatedEntry } from './entry-responses.js';
import { EntryQuery, EntryReplacement, NewEntry } from './entry-requests.js';
import { DescribeRoute } from '../openapi/route-description.js';

/** Routes for the entries of one kind. */
export abstract class EntriesController<Definition> {
  protected readonly entries: AdminEntries<Definition>;

  constructor(
    /** The last path segment of the collection. */
    private readonly collection: string,
    entries: RegistryEntries<Definition>,
  ) {
    this.entries = new AdminEntries(entries);
  }

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'List entries by slug', response: 'EntryPage' })
  list(@Query() query: EntryQuery): Promise<Page<EntryResponse>> {
    return this.entries.list(query);
  }

  @Get(':slug')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'Show an entry', response: 'Entry' })
  async find(
    @Param('slug') slug: string,
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EntryResponse | undefined> {
    return replyWithEntry(reply, await this.entries.find(slug), known);
  }

  @Post()
  @RequireRoles(['admin'])
  @DescribeRoute({ summary: 'Create an entry', response: 'Entry' })
  async create(@Body() body: NewEntry, @Res({ passthrough: true }) reply: FastifyReply): Promise<EntryResponse> {
    const created = await this.entries.create(body);
    this.onEntryWritten(created.slug);
    return replyWithCreatedEntry(reply, this.collection, created);
  }

  @Put(':slug')
  @RequireRoles(['admin'])
  @DescribeRoute({ summary: 'Replace an entry as a whole', response: 'Entry' })
  async replace(
    @Param('slug') slug: string,
    @Body() { entry }: EntryReplacement,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EntryResponse | undefined> {
    const replaced = await this.entries.replace(slug, entry, ifMatch);
    this.onEntryWritten(slug);
    return replyWithEntry(reply, replaced);
  }

  @Delete(':slug')
  @RequireRoles(['admin'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Delete an entry' })
  delete(@Param('slug') slug: string, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    return this.entries.delete(slug, ifMatch);
  }

  /** Called after an entry was created or replaced. */
  protected onEntryWritten(_slug: string): void {}
}
