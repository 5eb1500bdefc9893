import { Body, HttpCode, Post } from '@nestjs/common';
import { IsOptional, IsString, ValidateBy } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { AddressGuard } from '#lib/address-guard';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { findAddressFault, RegistryConfig } from '../../registry/index.js';
import { RequireRoles } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { IsDocument } from '../is-document.js';
import { DescribeRoute } from '../openapi/route-description.js';
import { importServerJson, type ServerJsonDraft } from './import-server-json.js';

const MAX_VALUES = 100;
const TEXT = { type: 'string' } as const;
const VALUES = { oneOf: [TEXT, { type: 'array', items: TEXT, maxItems: MAX_VALUES } as const] };

/** Validates values by the places of inputs: texts, or lists of texts. */
function IsInputValues(): PropertyDecorator {
  const isValue = (value: unknown): boolean =>
    typeof value === 'string' ||
    (Array.isArray(value) && value.length <= MAX_VALUES && value.every((each) => typeof each === 'string'));
  const validate = (value: unknown): boolean => isJsonObject(value) && Object.values(value).every(isValue);
  const defaultMessage = (): string =>
    `inputs must map places of inputs to a string, or to at most ${MAX_VALUES} strings`;
  const decorators = [
    ValidateBy({ name: 'isInputValues', validator: { validate, defaultMessage } }),
    JSONSchema(() => ({ type: 'object', additionalProperties: VALUES })) as PropertyDecorator,
  ];
  return (target, member) => decorators.forEach((decorate) => decorate(target, member));
}

/** The document, and what its reader chooses. */
class ServerJsonImport {
  /** A `server.json`, or the answer of a registry that contains it: an object, or its text in JSON. */
  @IsDocument() readonly document!: JsonObject | string;

  /** The package or remote, such as `packages[0]`. Default: the first that can become a server, remotes first. */
  @IsOptional() @IsString() readonly choice?: string;

  /**
   * Values by the `input` of the answer: a string, or a list where `isRepeated`. An empty string leaves an input out; without a
   * value it has its default.
   */
  @IsOptional() @IsInputValues() readonly inputs: Readonly<Record<string, string | readonly string[]>> = {};
}

/** Converts the description of a server in a registry to the entry of a server. */
@AdminController('server-json-imports')
export class ServerJsonImportController {
  constructor(
    private readonly addresses: AddressGuard,
    private readonly settings: RegistryConfig,
  ) {}

  /** Stores, fetches and starts nothing: the caller reviews the entry and creates the server with it. */
  @Post()
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({
    summary: 'Convert a server.json of a registry to the entry of a server, without creating it',
    response: 'ServerJsonDraft',
  })
  import(@Body() { document, choice, inputs }: ServerJsonImport): ServerJsonDraft {
    const values = Object.entries(inputs).map(([input, value]) => [input, [value].flat()] as const);
    return importServerJson(
      { document, inputs: new Map(values), ...(choice !== undefined && { choice }) },
      {
        findUrlFault: (url) => this.findUrlFault(url),
        mayStartPrograms: this.settings.adminMayStartPrograms,
      },
    );
  }

  private findUrlFault(text: string): string | undefined {
    const url = URL.parse(text);
    const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.hash === '';
    if (!isUsable) return 'must be an http or https URL without user name, password and fragment';
    return findAddressFault(text, this.addresses);
  }
}
