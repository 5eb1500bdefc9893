import { Body, Get, Header, HttpCode, Post } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsObject, IsOptional, ValidateNested } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import type { JsonObject } from '#lib/mcp-protocol';
import { Takes } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { Describes } from '../openapi/described.js';
import { Exchange, type ExportedConfiguration, type ImportChanges } from './exchange.js';
import { ExportedItem } from './exported-items.js';

/** What an export has given, or what was written like it. */
class ImportRequest {
  @IsOptional() @IsIn([1]) readonly format = 1 as const;

  /** Sections of the configuration file: names to entries. */
  @IsObject() readonly entries!: JsonObject;

  /** As they were exported; `[kept]` stands for them in the entries. */
  @IsOptional() @IsObject() readonly credentials: JsonObject = {};

  /** Without: they stay as they are. */
  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ExportedItem)
  @JSONSchema(() => ({ type: 'array', items: { $ref: '#/components/schemas/ExportedItem' } }))
  readonly items?: readonly ExportedItem[];

  /** Of an export: of no meaning here. */
  @IsOptional() @IsObject() readonly managed?: JsonObject;
  @IsOptional() readonly exportedAt?: string;

  /** What is not among the entries, and was made over the admin API, is deleted. */
  @IsOptional() @IsBoolean() readonly replace: boolean = false;

  /** Only tell what would change. */
  @IsOptional() @IsBoolean() readonly dryRun: boolean = false;
}

/** All that is configured, out. */
@AdminController('export')
export class ExportController {
  constructor(private readonly exchange: Exchange) {}

  @Get()
  @Takes(['admin'])
  @Header('cache-control', 'no-store')
  @Header('content-disposition', 'attachment; filename="isthmus.json"')
  @Describes({ summary: 'All that is configured, with closed credentials', answer: 'Export' })
  export(): Promise<ExportedConfiguration> {
    return this.exchange.export();
  }
}

/** And in again. */
@AdminController('import')
export class ImportController {
  constructor(private readonly exchange: Exchange) {}

  /** All of it, or nothing. */
  @Post()
  @Takes(['admin'])
  @HttpCode(200)
  @Describes({ summary: 'Brings the configuration to what an export says, all of it or nothing', answer: 'Changes' })
  import(@Body() request: ImportRequest): Promise<ImportChanges> {
    return this.exchange.import(request);
  }
}
