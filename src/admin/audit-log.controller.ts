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

const MAX_TEXT_LENGTH = 300;
const EXPORT_BATCH_SIZE = 500;

/** Filter for audit records. A record must match every parameter that is present. */
class AuditFilter extends PageQuery {
  /** Subject of the caller. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly subject?: string;

  /** Id of the caller's token: of a personal access token, or the claim `jti`. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly token?: string;

  /** IP address of the client. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly address?: string;

  /** HTTP method. */
  @IsOptional() @IsIn(['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'HEAD']) readonly method?: string;

  /** Prefix of the path of the request, or of the path of the created resource. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly path?: string;

  @IsOptional() @IsIn(AUDIT_OUTCOMES) readonly outcome?: AuditOutcome;

  /** Inclusive lower bound (RFC 3339). */
  @Type(() => Date) @IsOptional() @IsDate() readonly from?: Date;

  /** Exclusive upper bound (RFC 3339). */
  @Type(() => Date) @IsOptional() @IsDate() readonly to?: Date;
}

const CURSOR = /^[a-z\d]{27}$/;

/** Changes made over the admin API, and refused requests. */
@AdminController('audit')
export class AuditLogController {
  constructor(private readonly log: AuditLog) {}

  @Get()
  @RequireRoles(['admin', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'List audit records, newest first', response: 'AuditPage' })
  async list(@Query() { limit, cursor, ...filter }: AuditFilter): Promise<Page<AuditRecord>> {
    if (cursor !== undefined && !CURSOR.test(cursor)) {
      throw new BadRequestException('cursor must be the nextCursor of a previous page.');
    }
    const found = await this.log.find(filter, limit + 1, cursor);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { items, ...(last && found.length > limit && { nextCursor: last.id }) };
  }

  @Get('export')
  @RequireRoles(['admin', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({
    summary: 'Export all audit records as NDJSON, newest first',
    response: 'AuditLines',
    mediaType: 'application/x-ndjson',
  })
  export(
    @Query() { limit: _limit, cursor: _cursor, ...filter }: AuditFilter,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): StreamableFile {
    void reply.header('content-disposition', 'attachment; filename="audit.ndjson"');
    return new StreamableFile(Readable.from(this.lines(filter)), { type: 'application/x-ndjson' });
  }

  /** Reads batches on demand, so that a slow client applies back-pressure. */
  private async *lines(filter: Parameters<AuditLog['find']>[0]): AsyncGenerator<string> {
    let before: string | undefined;
    for (;;) {
      const records = await this.log.find(filter, EXPORT_BATCH_SIZE, before);
      if (records.length > 0) yield records.map((record) => `${JSON.stringify(record)}\n`).join('');
      before = records.at(-1)?.id;
      if (records.length < EXPORT_BATCH_SIZE) return;
    }
  }
}
