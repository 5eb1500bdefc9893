import { Body, HttpCode, Post, UnprocessableEntityException } from '@nestjs/common';
import { ArrayNotEmpty, IsArray, IsObject, IsOptional, IsString, IsUrl, MaxLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { AddressGuard } from '#lib/address-guard';
import type { JsonObject } from '#lib/mcp-protocol';
import { findAddressFault } from '../../registry/index.js';
import { RequireRoles } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { DescribeRoute } from '../openapi/route-description.js';
import { importOpenApi, NotOpenApi, type SkippedOperation } from './import-openapi.js';

const MAX_TEXT_LENGTH = 2_000;

/** The document and the operations to import. */
class OpenApiImport {
  /** An OpenAPI 3 document without references to other documents. */
  @IsObject() readonly document!: JsonObject;

  /** Patterns of operation ids or of `VERB /path`; `*` matches any run of characters. Default: all operations. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @IsString({ each: true }) readonly operations: readonly string[] = ['*'];

  /** Base URL of the API. Default: the server URL of the document. */
  @IsOptional()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  @MaxLength(MAX_TEXT_LENGTH)
  @JSONSchema({ format: 'uri' })
  readonly url?: string;
}

interface ImportedServer {
  /** The entry to send to `POST /servers`. */
  readonly entry: JsonObject;
  readonly skipped: readonly SkippedOperation[];
}

/** Converts an OpenAPI document to the entry of a REST server. */
@AdminController('openapi-imports')
export class OpenApiImportController {
  constructor(private readonly addresses: AddressGuard) {}

  /** Stores nothing: the caller reviews the entry and creates the server with it. */
  @Post()
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({
    summary: 'Convert an OpenAPI 3 document to the entry of a server, without creating it',
    response: 'ImportedServer',
  })
  import(@Body() { document, operations, url }: OpenApiImport): ImportedServer {
    const { tools, skipped, title, ...imported } = this.read(document, operations);
    const baseUrl = url ?? imported.url;
    if (baseUrl === undefined) {
      throw new UnprocessableEntityException('The document contains no complete server URL. Send the member url.');
    }
    const addressFault = findAddressFault(baseUrl, this.addresses);
    if (addressFault !== undefined) throw new UnprocessableEntityException(`url ${addressFault}`);
    if (Object.keys(tools).length === 0) {
      const reasons = skipped.map(({ operation, reason }) => ` ${operation}: ${reason}.`).join('');
      throw new UnprocessableEntityException(
        `None of the operations can become a tool.${reasons.slice(0, MAX_TEXT_LENGTH)}`,
      );
    }
    return { entry: { transport: 'rest', ...(title !== undefined && { title }), url: baseUrl, tools }, skipped };
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
