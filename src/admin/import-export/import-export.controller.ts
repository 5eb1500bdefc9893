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

/** A document of an export, or one in the same format. */
class ImportRequest {
  @IsOptional() @IsIn([1]) readonly format = 1 as const;

  /** Sections of the configuration file, which map names to entries. */
  @IsObject() readonly entries!: JsonObject;

  /** Encrypted credentials as exported. `[kept]` in the entries refers to them. */
  @IsOptional() @IsObject() readonly credentials: JsonObject = {};

  /** Items of servers to restore. Absent: items stay unchanged. */
  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ExportedItem)
  @JSONSchema(() => ({ type: 'array', items: { $ref: '#/components/schemas/ExportedItem' } }))
  readonly items?: readonly ExportedItem[];

  /** Part of an export; ignored by an import. */
  @IsOptional() @IsObject() readonly managed?: JsonObject;
  @IsOptional() readonly exportedAt?: string;

  /** Deletes entries that were created over the admin API and are missing from the document. */
  @IsOptional() @IsBoolean() readonly replace: boolean = false;

  /** Returns the changes without making them. */
  @IsOptional() @IsBoolean() readonly dryRun: boolean = false;
}

/** Exports the configuration. */
@AdminController('export')
export class ExportController {
  constructor(private readonly importExport: ImportExport) {}

  @Get()
  @RequireRoles(['admin'])
  @Header('content-disposition', 'attachment; filename="isthmus.json"')
  @DescribeRoute({ summary: 'Export the configuration with encrypted credentials', response: 'Export' })
  export(): Promise<ExportedConfiguration> {
    return this.importExport.export();
  }
}

/** Imports a configuration. */
@AdminController('import')
export class ImportController {
  constructor(private readonly importExport: ImportExport) {}

  @Post()
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({
    summary: 'Import a configuration, all of it or nothing',
    response: 'Changes',
  })
  import(@Body() request: ImportRequest): Promise<ImportResult> {
    return this.importExport.import(request);
  }
}
