import { Body, Get, HttpCode, Post, Query, UnprocessableEntityException } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsArray, IsIn, IsObject, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { ANONYMOUS, type Caller, type ItemKind } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { GuardrailTrial, type SelectedGuardrail } from '../guardrails/index.js';
import { checkCondition, ServerRegistry } from '../registry/index.js';
import { toVerifiedToken } from '../auth/index.js';
import { Memberships } from '../memberships/index.js';
import { AccessTokens } from '../tokens/index.js';
import { RequireRoles } from './admin-guard.js';
import { ResourceNotFound } from './admin.errors.js';
import { CallGates, type CallExplanation, type ExplainedCall } from './call-gates.js';
import { CurrentCaller } from './request-caller.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

const MAX_TEXT_LENGTH = 2_000;
/** Longer than a condition may be, so that the check itself reports that. */
const MAX_EXPRESSION_LENGTH = 4_000;
const TEMPLATE_EXPRESSION = /\{[^{}]*\}/;

/** The hypothetical caller of an explanation, described like a token. */
class AssumedCaller {
  @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly subject!: string;
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly issuer: string = 'isthmus';
  @IsOptional() @IsArray() @IsString({ each: true }) readonly roles: readonly string[] = [];
  @IsOptional() @IsArray() @IsString({ each: true }) readonly teams: readonly string[] = [];
  @IsOptional() @IsArray() @IsString({ each: true }) readonly scopes: readonly string[] = [];
  @IsOptional() @IsObject() readonly claims: JsonObject = {};

  /** Slugs of the servers to which the token is restricted. Absent: all servers. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly servers?: readonly string[];
}

/** The caller, the item and the arguments to explain. Exactly one of `caller`, `token` and `anonymous` describes the caller. */
class ExplainRequest {
  @IsOptional() @Type(() => AssumedCaller) @ValidateNested() readonly caller?: AssumedCaller;

  /** Id of a personal access token. Its subject, roles, teams, scopes and servers are those of a call with it now. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly token?: string;

  /** `true` for a caller without a token. */
  @IsOptional() @IsIn([true]) readonly anonymous?: true;

  /** Slug of the server. */
  @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly server!: string;

  /** Slug of a virtual server, or `default`, at which the item is used. Default: the endpoint of the server. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly endpoint?: string;

  @IsOptional() @IsIn(['tools', 'prompts', 'resources']) readonly kind: ItemKind = 'tools';

  /** Name, URI or URI template of the item, as its server defines it or as it was renamed over this API. */
  @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly name!: string;

  /** Arguments of the call. Absent: explains whether lists contain the item. */
  @IsOptional() @IsObject() readonly args?: JsonObject;
}

/** An explanation with the guardrails that select the call. They may refuse a call that is allowed. */
interface ExplainResponse extends CallExplanation {
  readonly guardrails: readonly SelectedGuardrail[];
}

/** The expression to check. */
class ConditionQuery {
  @IsString() @MaxLength(MAX_EXPRESSION_LENGTH) readonly expression!: string;
}

interface ConditionCheckResponse {
  readonly valid: boolean;
  readonly fault?: string;
  /** Where the fault is, counted from 1. Absent: in the expression as a whole. */
  readonly line?: number;
  readonly column?: number;
  /** Whether the condition reads arguments, so that it is evaluated for calls only. Absent: it is not valid. */
  readonly usesArgs?: boolean;
}

/** Checks can have effects outside the gateway, such as requests to a webhook, so an auditor runs none. */
const mayRunChecks = ({ roles }: Caller): boolean => roles.includes('admin') || roles.includes('operator');

/** Explains access decisions. */
@AdminController('policy')
export class PolicyController {
  constructor(
    private readonly gates: CallGates,
    private readonly registry: ServerRegistry,
    private readonly memberships: Memberships,
    private readonly tokens: AccessTokens,
    private readonly guardrails: GuardrailTrial,
  ) {}

  /** Decides by the code that admits calls, except that limits are not evaluated. */
  @Post('explain')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Explain whether a caller may use an item', response: 'Explanation' })
  async explain(@Body() request: ExplainRequest, @CurrentCaller() admin: Caller): Promise<ExplainResponse> {
    const { server: slug, endpoint, kind, name, args } = request;
    const server = this.registry.snapshot.servers.find((each) => each.slug === slug);
    if (!server) throw new ResourceNotFound('The server');
    const isTemplate = kind === 'resources' && TEMPLATE_EXPRESSION.test(name);
    const reference = { kind, text: name, ...(isTemplate && { isTemplate }), ...(args && { args }) };
    const caller = await this.resolveCaller(request);
    const call = { caller, server, ...(endpoint !== undefined && { endpoint }), reference };
    const guardrails = await this.explainGuardrails(call, mayRunChecks(admin) ? args : undefined);
    return { ...this.gates.explain(call), guardrails };
  }

  /** Checks the member `when` of a policy without storing anything. */
  @Get('condition')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'Check a condition of a policy, without storing it', response: 'ConditionCheck' })
  checkCondition(@Query() { expression }: ConditionQuery): ConditionCheckResponse {
    const checked = checkCondition(expression);
    if (!checked.fault) return { valid: true, usesArgs: checked.condition.usesArgs };
    const { message: fault, ...place } = checked.fault;
    return { valid: false, fault, ...place };
  }

  private async explainGuardrails(
    { caller, server, endpoint, reference }: ExplainedCall,
    args: JsonObject | undefined,
  ): Promise<readonly SelectedGuardrail[]> {
    const use = this.gates.describe(server, reference);
    if (!use) return [];
    const definition = await this.gates.definitionOf(use);
    return this.guardrails.explain({
      use,
      caller,
      definition,
      endpoint: endpoint ?? server.slug,
      ...(args && { args }),
    });
  }

  private async resolveCaller({ caller, token, anonymous }: ExplainRequest): Promise<Caller> {
    if ([caller, token, anonymous].filter((given) => given !== undefined).length !== 1)
      throw new UnprocessableEntityException('Give exactly one of caller, token and anonymous.');
    if (anonymous) return ANONYMOUS;
    if (caller) return this.toCaller(caller);
    const found = (await this.tokens.list()).find(({ id }) => id === token);
    if (!found) throw new ResourceNotFound('The token');
    return this.memberships.toCaller(toVerifiedToken(found));
  }

  private toCaller({ issuer, subject, servers, ...rest }: AssumedCaller): Caller {
    return this.memberships.toCaller({ ...rest, principal: { issuer, subject }, ...(servers && { servers }) });
  }
}
