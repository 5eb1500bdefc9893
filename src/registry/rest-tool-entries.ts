import { Allow, IsBoolean, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import {
  IsHeaders,
  IsJsonPath,
  IsMediaRanges,
  IsMediaType,
  IsParameterName,
  IsQuery,
  IsToolPath,
  IsToolSchema,
  IsToolUrl,
} from './entry-rules.js';
import {
  PARAMETER_PLACES,
  PARAMETER_STYLES,
  REST_METHODS,
  type ParameterPlace,
  type ParameterStyle,
  type RestMethod,
} from './rest-tool.js';

/** Path of the schemas in an OpenAPI document. */
const SCHEMAS = '#/components/schemas/';

const MAX_TITLE_LENGTH = 200;
const MAX_DESCRIPTION_LENGTH = 10_000;

type Scalar = string | number | boolean;

const mapOf = (name: string) => () =>
  ({ type: 'object', additionalProperties: { $ref: `${SCHEMAS}${name}` } }) as const;

export class RestParameterEntry {
  @IsIn(PARAMETER_PLACES) readonly in!: ParameterPlace;
  @IsOptional() @IsParameterName() readonly name?: string;
  @IsOptional() @IsIn(PARAMETER_STYLES) readonly style?: ParameterStyle;
  @IsOptional() @IsBoolean() readonly explode?: boolean;
  @IsOptional() @IsBoolean() readonly allowReserved?: boolean;
}

export class FormFieldEntry {
  @IsOptional() @IsMediaType() readonly contentType?: string;
  @IsOptional() @IsBoolean() readonly file?: boolean;
  @IsOptional() @IsIn(PARAMETER_STYLES) readonly style?: ParameterStyle;
  @IsOptional() @IsBoolean() readonly explode?: boolean;
  @IsOptional() @IsBoolean() readonly allowReserved?: boolean;
}

export class RequestBodyEntry {
  @IsOptional() @IsMediaType() readonly contentType?: string;
  @IsOptional() @IsParameterName() readonly argument?: string;
  @IsOptional() @IsBoolean() readonly required?: boolean;
  @IsOptional() @IsBoolean() readonly base64?: boolean;
  /** Each field is validated separately as a FormFieldEntry. */
  @IsOptional() @Allow() @JSONSchema(mapOf('FormFieldEntry')) readonly fields?: unknown;
}

export class RestToolEntry {
  @IsOptional() @IsString() @MaxLength(MAX_TITLE_LENGTH) readonly title?: string;
  @IsOptional() @IsString() @MaxLength(MAX_DESCRIPTION_LENGTH) readonly description?: string;
  @IsOptional() @IsIn(REST_METHODS) readonly method?: RestMethod;
  @IsOptional() @IsToolUrl() readonly url?: string;
  @IsToolPath() readonly path!: string;
  @IsOptional() @IsToolSchema() readonly inputSchema?: JsonObject;
  @IsOptional() @IsToolSchema() readonly outputSchema?: JsonObject;
  @IsOptional() @IsHeaders() readonly headers?: Readonly<Record<string, Scalar>>;
  @IsOptional() @IsQuery() readonly query?: Readonly<Record<string, Scalar>>;
  @IsOptional() @Allow() @JSONSchema(() => ({ description: 'Any JSON value.' })) readonly body?: JsonValue;
  /** Each parameter is validated separately as a RestParameterEntry. */
  @IsOptional() @Allow() @JSONSchema(mapOf('RestParameterEntry')) readonly parameters?: unknown;
  /** Validated separately as a RequestBodyEntry. */
  @IsOptional()
  @Allow()
  @JSONSchema(() => ({ $ref: `${SCHEMAS}RequestBodyEntry` }))
  readonly requestBody?: unknown;
  @IsOptional() @IsMediaRanges() readonly accept?: string;
  @IsOptional() @IsJsonPath() readonly result?: string;
}
