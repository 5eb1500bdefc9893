import { BadRequestException, Get, Query } from '@nestjs/common';
import { Transform, Type } from 'class-transformer';
import { IsDate, IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { Clock } from '#lib/time';
import { USAGE_DIMENSIONS, UsageReport, type UsageDimension, type UsageSummary } from '../usage/index.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

const MAX_TEXT_LENGTH = 300;
const HOUR_MS = 3_600_000;
const DEFAULT_WINDOW_MS = 24 * HOUR_MS;
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** `by=team,server`, or `by=team&by=server`. */
const toList = ({ value }: { value: unknown }): unknown =>
  [value].flat().flatMap((text) => (typeof text === 'string' ? text.split(',') : [text]));

/** Selects calls, and by what their usage is broken down. A call must match every parameter that is present. */
class UsageQuery {
  /** Begin (RFC 3339), rounded down to the hour. Default: 24 hours before `to`. */
  @Type(() => Date) @IsOptional() @IsDate() readonly from?: Date;

  /** End (RFC 3339), rounded up to the hour. Default: now. */
  @Type(() => Date) @IsOptional() @IsDate() readonly to?: Date;

  /** What each item of the response stands for. Without it, the response contains the total only. */
  @Transform(toList) @IsOptional() @IsIn(USAGE_DIMENSIONS, { each: true }) readonly by?: UsageDimension[];

  /** Maximum number of items. Those with the most calls are returned. */
  @Type(() => Number) @IsOptional() @IsInt() @Min(1) @Max(MAX_LIMIT) readonly limit: number = DEFAULT_LIMIT;

  /** Issuer of the caller. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly issuer?: string;

  /** Subject of the caller. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly subject?: string;

  /** Slug of a team of the caller. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly team?: string;

  /** Slug of the server. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly server?: string;

  /** Name of the tool at its server. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly tool?: string;
}

interface UsageResponse extends UsageSummary {
  readonly from: Date;
  readonly to: Date;
  readonly by: readonly UsageDimension[];
}

/** Who used which server and tool how much. */
@AdminController('usage')
export class UsageController {
  constructor(
    private readonly report: UsageReport,
    private readonly clock: Clock,
  ) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'Show usage by principal, team, server and tool', response: 'Usage' })
  async show(@Query() { from, to, by = [], limit, ...filter }: UsageQuery): Promise<UsageResponse> {
    const end = to?.getTime() ?? this.clock.now();
    const hours = {
      from: new Date(Math.floor((from?.getTime() ?? end - DEFAULT_WINDOW_MS) / HOUR_MS) * HOUR_MS),
      to: new Date(Math.ceil(end / HOUR_MS) * HOUR_MS),
    };
    if (hours.from >= hours.to) throw new BadRequestException('from must be before to.');
    return { ...hours, by, ...(await this.report.summarize({ ...filter, ...hours }, by, limit)) };
  }
}
