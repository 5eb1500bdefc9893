import { Body, HttpCode, Post, UnprocessableEntityException } from '@nestjs/common';
import { ArrayNotEmpty, IsArray, IsOptional, IsString, IsUrl, MaxLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { AddressGuard } from '#lib/address-guard';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { findAddressFault } from '../../registry/index.js';
import { RequireRoles } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { IsDocument } from '../is-document.js';
import { DescribeRoute } from '../openapi/route-description.js';
import { importOpenApi } from './import-openapi.js';
import type { Skipped } from './operation.js';
import { UnreadableDocument } from './read-document.js';
import type { SecurityScheme } from './security-schemes.js';

const MAX_TEXT_LENGTH = 2_000;

/** The document and the operations to import. */
class OpenApiImport {
  /** An OpenAPI 3 or Swagger 2.0 document without references to other documents: an object, or a text in JSON or YAML. */
  @IsDocument() readonly document!: JsonObject | string;

  /** Patterns of operation ids or of `VERB /path`; `*` matches any run of characters. Default: all operations. */
  @IsOptional() @IsArray() @ArrayNotEmpty() @IsString({ each: true }) readonly operations: readonly string[] = ['*'];

  /**
   * Base URL of the API. Default: the server URL of the document. A URL without a path completes a server URL of the document
   * that is relative.
   */
  @IsOptional()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  @MaxLength(MAX_TEXT_LENGTH)
  @JSONSchema({ format: 'uri' })
  readonly url?: string;
}

interface ImportedServer {
  /** The entry to send to `POST /servers`. */
  readonly entry: JsonObject;
  readonly skipped: readonly Skipped[];
  readonly security: readonly SecurityScheme[];
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
    summary: 'Convert an OpenAPI or Swagger document to the entry of a server, without creating it',
    response: 'ImportedServer',
  })
  async import(@Body() { document, operations, url: given }: OpenApiImport): Promise<ImportedServer> {
    const { tools, skipped, security, title, url } = await this.read(document, operations, given);
    if (url === undefined) {
      throw new UnprocessableEntityException('The document contains no complete server URL. Send the member url.');
    }
    this.checkAddresses(url, tools);
    if (Object.keys(tools).length === 0) {
      const reasons = skipped.map(({ operation, reason }) => ` ${operation}: ${reason}.`).join('');
      throw new UnprocessableEntityException(
        `None of the operations can become a tool.${reasons.slice(0, MAX_TEXT_LENGTH)}`,
      );
    }
    const entry = { transport: 'rest', ...(title !== undefined && { title }), url, tools };
    return { entry, skipped, security };
  }

  private checkAddresses(url: string, tools: JsonObject): void {
    const others = Object.values(tools).flatMap((tool) => (isJsonObject(tool) ? (tool['url'] ?? []) : []));
    for (const each of new Set([url, ...others.filter((other) => typeof other === 'string')])) {
      const addressFault = findAddressFault(each, this.addresses);
      if (addressFault !== undefined) throw new UnprocessableEntityException(`url ${addressFault}`);
    }
  }

  private async read(document: JsonObject | string, operations: readonly string[], url: string | undefined) {
    try {
      return await importOpenApi(document, operations, url);
    } catch (cause) {
      if (cause instanceof UnreadableDocument) throw new UnprocessableEntityException(cause.message);
      throw cause;
    }
  }
}
