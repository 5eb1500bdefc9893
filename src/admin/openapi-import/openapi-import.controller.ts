import { Body, HttpCode, Post, UnprocessableEntityException } from '@nestjs/common';
import { ArrayNotEmpty, IsArray, IsObject, IsOptional, IsString, IsUrl, MaxLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import type { JsonObject } from '#lib/mcp-protocol';
import { RequireRoles } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { DescribeRoute } from '../openapi/route-description.js';
import { importOpenApi, NotOpenApi, type SkippedOperation } from './import-openapi.js';

const LONGEST = 2_000;

/** Which operations of which document. */
class OpenApiImport {
  /** An OpenAPI 3 document. What it refers to must stand in it. */
  @IsObject() readonly document!: JsonObject;

  /** Operation ids, or `VERB /path`, with `*` for any run of characters. Without: all. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @IsString({ each: true }) readonly operations: readonly string[] = ['*'];

  /** Where the API is; without, where the document says. */
  @IsOptional()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  @MaxLength(LONGEST)
  @JSONSchema({ format: 'uri' })
  readonly url?: string;
}

interface ImportedServer {
  /** For `POST /servers`. */
  readonly entry: JsonObject;
  readonly skipped: readonly SkippedOperation[];
}

/** Makes a server of tools without an MCP server of the description of an API. */
@AdminController('openapi-imports')
export class OpenApiImportController {
  /** Changes nothing: the entry is for whoever asks to look at, and to create. */
  @Post()
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({
    summary: 'Makes the entry of a server of an OpenAPI 3 document; creates nothing',
    response: 'ImportedServer',
  })
  import(@Body() { document, operations, url }: OpenApiImport): ImportedServer {
    const { tools, skipped, title, ...found } = this.read(document, operations);
    const address = url ?? found.url;
    if (address === undefined) {
      throw new UnprocessableEntityException('The document does not say where the API is. Send its url.');
    }
    if (Object.keys(tools).length === 0) {
      const reasons = skipped.map(({ operation, reason }) => ` ${operation}: ${reason}.`).join('');
      throw new UnprocessableEntityException(`No operation can become a tool.${reasons.slice(0, LONGEST)}`);
    }
    return { entry: { transport: 'rest', ...(title !== undefined && { title }), url: address, tools }, skipped };
  }

  private read(document: JsonObject, operations: readonly string[]) {
    try {
      return importOpenApi(document, operations);
    } catch (cause) {
      if (cause instanceof NotOpenApi) throw new UnprocessableEntityException(cause.message);
      throw cause;
    }
  }
}
