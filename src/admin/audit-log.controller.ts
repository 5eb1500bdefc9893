import { BadRequestException, Get, Header, Query, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { Type } from 'class-transformer';
import { IsDate, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { AUDIT_OUTCOMES, AuditLog, type AuditOutcome, type AuditRecord } from '../audit/index.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { PageQuery, type Page } from './pages.js';
import { DescribeRoute } from './openapi/route-description.js';

const LONGEST = 300;
const EXPORTED_AT_ONCE = 500;

/** Which records are wanted; all that is said must fit. */
class AuditFilter extends PageQuery {
  /** Subject of the caller. */
  @IsOptional() @IsString() @MaxLength(LONGEST) readonly subject?: string;

  /** HTTP method. */
  @IsOptional() @IsIn(['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'HEAD']) readonly method?: string;

  /** How the path begins, or that of what was made. */
  @IsOptional() @IsString() @MaxLength(LONGEST) readonly path?: string;

  @IsOptional() @IsIn(AUDIT_OUTCOMES) readonly outcome?: AuditOutcome;

  /** RFC 3339. */
  @Type(() => Date) @IsOptional() @IsDate() readonly from?: Date;

  /** Excluded itself. */
  @Type(() => Date) @IsOptional() @IsDate() readonly to?: Date;
}

const CURSOR = /^[a-z\d]{27}$/;

/** What was done over this API, and what was refused. */
@AdminController('audit')
export class AuditLogController {
  constructor(private readonly log: AuditLog) {}

  /** Newest first. */
  @Get()
  @RequireRoles(['admin', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Lists what was done and refused, newest first', response: 'AuditPage' })
  async list(@Query() { limit, cursor, ...wanted }: AuditFilter): Promise<Page<AuditRecord>> {
    if (cursor !== undefined && !CURSOR.test(cursor)) {
      throw new BadRequestException('cursor must be the nextCursor of a page before.');
    }
    const found = await this.log.find(wanted, limit + 1, cursor);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { items, ...(last && found.length > limit && { nextCursor: last.id }) };
  }

  /** All of them, newest first, a JSON text a line. */
  @Get('export')
  @RequireRoles(['admin', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({
    summary: 'All records, newest first, a JSON text a line',
    response: 'AuditLines',
    mediaType: 'application/x-ndjson',
  })
  export(
    @Query() { limit: _limit, cursor: _cursor, ...wanted }: AuditFilter,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): StreamableFile {
    void reply.header('content-disposition', 'attachment; filename="audit.ndjson"');
    return new StreamableFile(Readable.from(this.lines(wanted)), { type: 'application/x-ndjson' });
  }

  /** Read as fast as the client takes them. */
  private async *lines(wanted: Parameters<AuditLog['find']>[0]): AsyncGenerator<string> {
    let before: string | undefined;
    for (;;) {
      const records = await this.log.find(wanted, EXPORTED_AT_ONCE, before);
      if (records.length > 0) yield records.map((record) => `${JSON.stringify(record)}\n`).join('');
      before = records.at(-1)?.id;
      if (records.length < EXPORTED_AT_ONCE) return;
    }
  }
}
