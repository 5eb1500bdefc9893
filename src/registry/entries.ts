/**
 * Schemas of the entries of the configuration file. Each class describes one mapping in the file. An instance that
 * `readEntry` returns has passed all validation rules of its class.
 */
import {
  Allow,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateIf,
} from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import {
  IsArgumentList,
  IsCheckInterval,
  IsDurationBetween,
  IsEnvironment,
  IsHeaders,
  IsOrigins,
  IsOwnPath,
  IsRate,
  IsServerUrl,
  IsTextList,
} from './entry-rules.js';
import { IsCondition } from './condition.js';
import { GUARDRAIL_PHASES, type GuardrailPhase } from '#lib/extension-kit';
import {
  GUARDRAIL_FAILURES,
  GUARDRAIL_MODES,
  type GuardrailFailure,
  type GuardrailMode,
} from './guardrail-definition.js';
import { LIMIT_SUBJECTS, type LimitSubject, type PolicyEffect } from './policy-definition.js';
import {
  CALL_AUDITS,
  ISOLATIONS,
  SERVER_ERAS,
  TOOL_CHANGES,
  type CallAuditMode,
  type Isolation,
  type ServerEra,
  type ToolChanges,
} from './server-definition.js';

/** Path of the schemas in an OpenAPI document. */
const SCHEMAS = '#/components/schemas/';

export type Scalar = string | number | boolean;

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const MINUTE = 60 * SECOND;
const MAX_ORDER = 1_000_000;
const MAX_TITLE_LENGTH = 200;
const MAX_INSTRUCTIONS_LENGTH = 100_000;
const MAX_SECRET_LENGTH = 65_536;
const MAX_DESCRIPTION_LENGTH = 10_000;

export class TimeoutsEntry {
  @IsOptional() @IsDurationBetween(100, HOUR) readonly connect?: string;
  @IsOptional() @IsDurationBetween(100, 24 * HOUR) readonly request?: string;
  @IsOptional() @IsDurationBetween(100, 24 * HOUR) readonly maximum?: string;
}

/** The members that all servers have, whatever their kind. */
export class CommonServerEntry {
  @IsOptional() @IsString() @MaxLength(MAX_TITLE_LENGTH) readonly title?: string;
  @IsOptional() @IsString() @MaxLength(MAX_TITLE_LENGTH) readonly team?: string;
  @IsOptional() @IsTextList() readonly tags?: readonly string[];
  @IsOptional() @IsIn(TOOL_CHANGES) readonly toolChanges?: ToolChanges;
  @IsOptional() @IsBoolean() readonly enabled?: boolean;
  @IsOptional() @IsIn(ISOLATIONS) readonly isolation?: Isolation;
  /** The old form of `isolation: none`. */
  @IsOptional() @IsBoolean() readonly shared?: boolean;
  @IsOptional() @IsBoolean() readonly public?: boolean;
  /** Which calls are audit records; by default what `ISTHMUS_AUDIT_CALLS` says. */
  @IsOptional() @IsIn(CALL_AUDITS) readonly audit?: CallAuditMode;
  /** Audit records of calls contain the arguments, and not only a digest of them. */
  @IsOptional() @IsBoolean() readonly auditArguments?: boolean;
  @IsOptional() @IsCheckInterval() readonly healthInterval?: string;
  /** Validated separately as a TimeoutsEntry. */
  @IsOptional() @Allow() @JSONSchema(() => ({ $ref: `${SCHEMAS}TimeoutsEntry` })) readonly timeouts?: unknown;
}

class McpServerEntry extends CommonServerEntry {
  @IsOptional() @IsBoolean() readonly allowUnknownMethods?: boolean;
  @IsOptional() @IsBoolean() readonly tasks?: boolean;
  @IsOptional() @IsIn(SERVER_ERAS) readonly era?: ServerEra;
}

export class RemoteServerEntry extends McpServerEntry {
  @IsIn(['http', 'sse']) readonly transport!: 'http' | 'sse';
  @IsServerUrl() readonly url!: string;
  @IsOptional() @IsHeaders() readonly headers?: Readonly<Record<string, Scalar>>;
}

export class StdioServerEntry extends McpServerEntry {
  @IsIn(['stdio']) readonly transport!: 'stdio';
  @IsString() @IsNotEmpty() readonly command!: string;
  @IsOptional() @IsArgumentList() readonly args?: readonly Scalar[];
  @IsOptional() @IsEnvironment() readonly env?: Readonly<Record<string, Scalar>>;
  @IsOptional() @IsString() @IsNotEmpty() readonly cwd?: string;
}

export class RestServerEntry extends CommonServerEntry {
  @IsIn(['rest']) readonly transport!: 'rest';
  @IsServerUrl() readonly url!: string;
  @IsOptional() @IsHeaders() readonly headers?: Readonly<Record<string, Scalar>>;
  @IsOptional() @IsOwnPath() readonly healthPath?: string;
  /** Each tool is validated separately as a RestToolEntry. */
  @IsOptional()
  @Allow()
  @JSONSchema(() => ({ type: 'object', additionalProperties: { $ref: `${SCHEMAS}RestToolEntry` } }))
  readonly tools?: unknown;
}

/** What all entries of kinds of extensions have. */
export class ContributedServerEntry extends CommonServerEntry {
  @IsString() @IsNotEmpty() readonly transport!: string;
}

export class DefaultEndpointEntry {
  @IsOptional() @IsBoolean() readonly public?: boolean;
  @IsOptional() @IsString() @MaxLength(MAX_INSTRUCTIONS_LENGTH) readonly instructions?: string;
}

/** `servers` may be omitted when `tags` select the servers. */
const needsServers = ({ servers, tags }: VirtualServerEntry): boolean => servers !== undefined || tags === undefined;

export class VirtualServerEntry extends DefaultEndpointEntry {
  @IsOptional() @IsString() @MaxLength(MAX_TITLE_LENGTH) readonly title?: string;
  @IsOptional() @IsString() @MaxLength(MAX_TITLE_LENGTH) readonly team?: string;
  @ValidateIf(needsServers) @IsTextList() readonly servers?: readonly string[];
  @IsOptional() @IsTextList() readonly tags?: readonly string[];
  @IsOptional() @IsTextList() readonly tools?: readonly string[];
  @IsOptional() @IsTextList() readonly prompts?: readonly string[];
  @IsOptional() @IsTextList() readonly resources?: readonly string[];
}

/** A named credential. Servers refer to it as `${secret:name}`. */
export class SecretEntry {
  @IsOptional() @IsString() @MaxLength(MAX_TITLE_LENGTH) readonly title?: string;
  /** Never returned. */
  @IsString() @IsNotEmpty() @MaxLength(MAX_SECRET_LENGTH) readonly value!: string;
  /**
   * Origins of the servers created over the admin API that may get the value, such as `https://api.example.com`; `*` stands for
   * every server and program. Servers of the configuration file may use every secret.
   */
  @IsOptional() @IsOrigins() readonly origins?: readonly string[];
}

export class TeamEntry {
  @IsOptional() @IsString() @MaxLength(MAX_TITLE_LENGTH) readonly title?: string;
  @IsOptional() @IsTextList() readonly members?: readonly string[];
  @IsOptional() @IsTextList() readonly roles?: readonly string[];
}

export class LimitEntry {
  @IsOptional() @IsArray() @IsIn(LIMIT_SUBJECTS, { each: true }) readonly per?: readonly LimitSubject[];
  @IsOptional() @IsTextList() readonly servers?: readonly string[];
  @IsOptional() @IsTextList() readonly tools?: readonly string[];
  @IsOptional() @IsRate() readonly rate?: string;
  @ValidateIf(({ rate, concurrency }: LimitEntry) => rate === undefined || concurrency !== undefined)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  readonly concurrency?: number;
}

export class PolicyEntry {
  @IsIn(['allow', 'deny']) readonly effect!: PolicyEffect;
  @IsOptional() @IsString() @MaxLength(MAX_DESCRIPTION_LENGTH) readonly description?: string;
  @IsOptional() @IsTextList() readonly servers?: readonly string[];
  @IsOptional() @IsTextList() readonly tools?: readonly string[];
  @IsOptional() @IsTextList() readonly prompts?: readonly string[];
  @IsOptional() @IsTextList() readonly resources?: readonly string[];
  @IsOptional() @IsTextList() readonly roles?: readonly string[];
  @IsOptional() @IsTextList() readonly teams?: readonly string[];
  @IsOptional() @IsTextList() readonly scopes?: readonly string[];
  @IsOptional() @IsTextList() readonly subjects?: readonly string[];
  @IsOptional() @IsCondition() readonly when?: string;
}

/** A check with its options, and the calls and definitions that it judges. */
export class GuardrailEntry {
  /** Name of a check (`GET /admin/v1/guardrail-checks`). */
  @IsString() @MaxLength(MAX_TITLE_LENGTH) readonly check!: string;
  @IsOptional() @IsString() @MaxLength(MAX_DESCRIPTION_LENGTH) readonly description?: string;
  @IsOptional() @IsIn(GUARDRAIL_MODES) readonly mode?: GuardrailMode;
  @IsOptional() @IsInt() @Min(-MAX_ORDER) @Max(MAX_ORDER) readonly order?: number;
  @IsOptional() @IsTextList() readonly servers?: readonly string[];
  @IsOptional() @IsTextList() readonly tools?: readonly string[];
  @IsOptional() @IsTextList() readonly teams?: readonly string[];
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @IsIn(GUARDRAIL_PHASES, { each: true })
  readonly phases?: readonly GuardrailPhase[];
  @IsOptional() @IsIn(GUARDRAIL_FAILURES) readonly onFailure?: GuardrailFailure;
  /** How long the check may take; the time in which the caller answers a question does not count. */
  @IsOptional() @IsDurationBetween(10, 10 * MINUTE) readonly deadline?: string;
  /** Validated separately as the options of the check. */
  @IsOptional() @Allow() @JSONSchema(() => ({ $ref: `${SCHEMAS}GuardrailOptions` })) readonly options?: unknown;
}
