import { Body, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { RegistryEntries } from '../../registry/index.js';
import { Takes } from '../admin-guard.js';
import type { Page } from '../pages.js';
import { AdminEntries, type ShownEntry } from './entries.js';
import { answer, answerCreated } from './entry-answers.js';
import { EntryQuery, EntryReplacement, NewEntry } from './entry-requests.js';
import { Describes } from '../openapi/described.js';

/** What can be done with the entries of every kind. */
export abstract class EntriesController<Definition> {
  protected readonly entries: AdminEntries<Definition>;

  constructor(
    /** The last part of the path of all entries. */
    private readonly collection: string,
    entries: RegistryEntries<Definition>,
  ) {
    this.entries = new AdminEntries(entries);
  }

  /** By slug. */
  @Get()
  @Takes(['admin', 'operator', 'auditor'])
  @Describes({ summary: 'Lists them by slug, a page at a time', answer: 'EntryPage' })
  list(@Query() query: EntryQuery): Promise<Page<ShownEntry>> {
    return this.entries.list(query);
  }

  @Get(':slug')
  @Takes(['admin', 'operator', 'auditor'])
  @Describes({ summary: 'Shows one', answer: 'Entry' })
  async find(
    @Param('slug') slug: string,
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownEntry | undefined> {
    return answer(reply, await this.entries.find(slug), known);
  }

  @Post()
  @Takes(['admin'])
  @Describes({ summary: 'Creates one', answer: 'Entry' })
  async create(@Body() body: NewEntry, @Res({ passthrough: true }) reply: FastifyReply): Promise<ShownEntry> {
    const created = await this.entries.create(body);
    this.written(created.slug);
    return answerCreated(reply, this.collection, created);
  }

  /** Writes it anew, as a whole. */
  @Put(':slug')
  @Takes(['admin'])
  @Describes({ summary: 'Writes one anew, as a whole', answer: 'Entry' })
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
  @Describes({ summary: 'Deletes one' })
  delete(@Param('slug') slug: string, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    return this.entries.delete(slug, ifMatch);
  }

  /** An entry is there, or is another one now. */
  protected written(_slug: string): void {}
}
