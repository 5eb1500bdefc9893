import { BadRequestException, Get, Param, Query, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { Type } from 'class-transformer';
import { IsDate, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import {
  AUDIT_KINDS,
  AUDIT_OUTCOMES,
  AuditLog,
  type AuditKind,
  type AuditOutcome,
  type AuditRecord,
} from '../audit/index.js';
import { ResourceNotFound } from './admin.errors.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { PageQuery, type Page } from './pages.js';
import { CSV_HEADER, toCsvLine } from './audit-csv.js';
import { DescribeRoute } from './openapi/route-description.js';

const MAX_TEXT_LENGTH = 300;
const MAX_ITEM_LENGTH = 2_000;
const EXPORT_BATCH_SIZE = 500;

/** Filter for audit records. A record must match every parameter that is present. */
class AuditFilter extends PageQuery {
  /** What the record is about. Default: every kind but `chain`. */
  @IsOptional() @IsIn(AUDIT_KINDS) readonly kind?: AuditKind;

  /** Issuer of the caller's token. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly issuer?: string;

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

  /** Slug of the server whose item was used. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly server?: string;

  /** The server's own name of the tool or prompt, or the URI of the resource without its query. */
  @IsOptional() @IsString() @MaxLength(MAX_ITEM_LENGTH) readonly item?: string;

  /** Id of a request, as in the log line of its call and in `data.requestId` of an error. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly requestId?: string;

  /** Fingerprint of the id of a session, as in other records of its calls. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly session?: string;

  @IsOptional() @IsIn(AUDIT_OUTCOMES) readonly outcome?: AuditOutcome;

  /** Inclusive lower bound (RFC 3339). */
  @Type(() => Date) @IsOptional() @IsDate() readonly from?: Date;

  /** Exclusive upper bound (RFC 3339). */
  @Type(() => Date) @IsOptional() @IsDate() readonly to?: Date;
}

/** What to export, and in which format. */
class AuditExport extends AuditFilter {
  @IsOptional() @IsIn(['jsonl', 'csv']) readonly format: 'jsonl' | 'csv' = 'jsonl';
}

const CURSOR = /^[a-z\d]{27}$/;

/** Changes made over the admin API, refused requests, and uses of items of servers. */
@AdminController('audit')
export class AuditLogController {
  constructor(private readonly log: AuditLog) {}

  @Get()
  @RequireRoles(['admin', 'auditor'])
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
  @DescribeRoute({
    summary: 'Export all audit records as JSON Lines or CSV, newest first',
    response: 'AuditLines',
    mediaType: 'application/x-ndjson',
  })
  export(
    @Query() { limit: _limit, cursor: _cursor, format, ...filter }: AuditExport,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): StreamableFile {
    const [name, type] = format === 'csv' ? ['audit.csv', 'text/csv'] : ['audit.ndjson', 'application/x-ndjson'];
    void reply.header('content-disposition', `attachment; filename="${name}"`);
    return new StreamableFile(Readable.from(this.texts(filter, format)), { type });
  }

  @Get(':id')
  @RequireRoles(['admin', 'auditor'])
  @DescribeRoute({ summary: 'Show an audit record', response: 'AuditRecord' })
  async find(@Param('id') id: string): Promise<AuditRecord> {
    const [record] = await this.log.find({ id }, 1);
    if (!record) throw new ResourceNotFound('The audit record');
    return record;
  }

  /** Reads batches on demand, so that a slow client applies back-pressure. */
  private async *texts(filter: Parameters<AuditLog['find']>[0], format: AuditExport['format']): AsyncGenerator<string> {
    if (format === 'csv') yield CSV_HEADER;
    const toLine = format === 'csv' ? toCsvLine : (record: AuditRecord) => `${JSON.stringify(record)}\n`;
    let before: string | undefined;
    for (;;) {
      const records = await this.log.find(filter, EXPORT_BATCH_SIZE, before);
      if (records.length > 0) yield records.map(toLine).join('');
      before = records.at(-1)?.id;
      if (records.length < EXPORT_BATCH_SIZE) return;
    }
  }
}
