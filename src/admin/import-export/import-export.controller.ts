import { Body, Get, Header, HttpCode, Post } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsObject, IsOptional, ValidateNested } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import type { JsonObject } from '#lib/mcp-protocol';
import { RequireRoles } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { DescribeRoute } from '../openapi/route-description.js';
import { ImportExport, type ExportedConfiguration, type ImportResult } from './import-export.js';
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
  constructor(private readonly importExport: ImportExport) {}

  @Get()
  @RequireRoles(['admin'])
  @Header('cache-control', 'no-store')
  @Header('content-disposition', 'attachment; filename="isthmus.json"')
  @DescribeRoute({ summary: 'All that is configured, with closed credentials', response: 'Export' })
  export(): Promise<ExportedConfiguration> {
    return this.importExport.export();
  }
}

/** And in again. */
@AdminController('import')
export class ImportController {
  constructor(private readonly importExport: ImportExport) {}

  /** All of it, or nothing. */
  @Post()
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({
    summary: 'Brings the configuration to what an export says, all of it or nothing',
    response: 'Changes',
  })
  import(@Body() request: ImportRequest): Promise<ImportResult> {
    return this.importExport.import(request);
  }
}
