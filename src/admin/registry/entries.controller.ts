import { Body, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { RegistryEntries } from '../../registry/index.js';
import { Takes } from '../admin-guard.js';
import type { Page } from '../pages.js';
import { AdminEntries, type ShownEntry } from './entries.js';
import { answer, answerCreated } from './entry-answers.js';
import { EntryQuery, EntryReplacement, NewEntry } from './entry-requests.js';
import { Describes } from '../openapi/described.js';

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
  @Takes(['admin', 'operator', 'auditor'])
  @Describes({ summary: 'List entries by slug', answer: 'EntryPage' })
  list(@Query() query: EntryQuery): Promise<Page<ShownEntry>> {
    return this.entries.list(query);
  }

  @Get(':slug')
  @Takes(['admin', 'operator', 'auditor'])
  @Describes({ summary: 'Show an entry', answer: 'Entry' })
  async find(
    @Param('slug') slug: string,
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownEntry | undefined> {
    return answer(reply, await this.entries.find(slug), known);
  }

  @Post()
  @Takes(['admin'])
  @Describes({ summary: 'Create an entry', answer: 'Entry' })
  async create(@Body() body: NewEntry, @Res({ passthrough: true }) reply: FastifyReply): Promise<ShownEntry> {
    const created = await this.entries.create(body);
    this.written(created.slug);
    return answerCreated(reply, this.collection, created);
  }

  @Put(':slug')
  @Takes(['admin'])
  @Describes({ summary: 'Replace an entry as a whole', answer: 'Entry' })
  async replace(
    @Param('slug') slug: string,
    @Body() { entry }: EntryReplacement,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownEntry | undefined> {
    const replaced = await this.entries.replace(slug, entry, ifMatch);
    this.written(slug);
    return answer(reply, replaced);
  }

  @Delete(':slug')
  @Takes(['admin'])
  @HttpCode(204)
  @Describes({ summary: 'Delete an entry' })
  delete(@Param('slug') slug: string, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    return this.entries.delete(slug, ifMatch);
  }

  /** Called after an entry was created or replaced. */
  protected written(_slug: string): void {}
}
