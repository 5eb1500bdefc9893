import { Body, Get, HttpCode, Post, Query } from '@nestjs/common';
import { IsIn, IsInt, IsObject, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { Caller, ItemKind } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { GuardrailTrial, type SelectedGuardrail } from '../guardrails/index.js';
import { checkCondition, ServerRegistry } from '../registry/index.js';
import type { ItemKind as ListedKind } from '../items/index.js';
import { AssumedCallers, CallerChoice } from './assumed-caller.js';
import { RequireRoles } from './admin-guard.js';
import { ResourceNotFound } from './admin.errors.js';
import { CallGates, type CallExplanation, type ExplainedCall } from './call-gates.js';
import { CurrentCaller } from './request-caller.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';
import { DEFAULT_LIMIT, MAX_LIMIT, paginate, type Page } from './pages.js';
import { VisibleItems, type VisibleItem } from './visible-items.js';

const MAX_TEXT_LENGTH = 2_000;
/** Longer than a condition may be, so that the check itself reports that. */
const MAX_EXPRESSION_LENGTH = 4_000;
/** A cursor contains the name of an item, which may be a long URI. */
const MAX_CURSOR_LENGTH = 20_000;
const TEMPLATE_EXPRESSION = /\{[^{}]*\}/;

/** The caller, the item and the arguments to explain. Exactly one of `caller`, `token` and `anonymous` describes the caller. */
class ExplainRequest extends CallerChoice {
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

/** The list to preview, and its page. Exactly one of `caller`, `token` and `anonymous` describes the caller. */
class VisibleItemsRequest extends CallerChoice {
  /** Slug of a virtual server, slug of a server for its own endpoint, or `default`. */
  @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly endpoint!: string;

  @IsOptional()
  @IsIn(['tools', 'prompts', 'resources', 'resourceTemplates'])
  readonly kind: ListedKind = 'tools';

  /** Maximum number of items of the page. */
  @IsOptional() @IsInt() @Min(1) @Max(MAX_LIMIT) readonly limit: number = DEFAULT_LIMIT;

  /** `nextCursor` of the previous page. */
  @IsOptional() @IsString() @MaxLength(MAX_CURSOR_LENGTH) readonly cursor?: string;
}

/** The page of a list, or why the endpoint refuses the caller. */
interface VisibleItemsResponse extends Page<VisibleItem> {
  readonly refusal?: string;
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
    private readonly callers: AssumedCallers,
    private readonly visibleItems: VisibleItems,
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
    const caller = await this.callers.resolve(request);
    const call = { caller, server, ...(endpoint !== undefined && { endpoint }), reference };
    const guardrails = await this.explainGuardrails(call, mayRunChecks(admin) ? args : undefined);
    return { ...this.gates.explain(call), guardrails };
  }

  /** Items are those that the gateway has observed, sorted by server and name. */
  @Post('visible-items')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'List the items that a caller sees at an endpoint', response: 'VisibleItemPage' })
  async listVisible(@Body() request: VisibleItemsRequest): Promise<VisibleItemsResponse> {
    const { endpoint, kind } = request;
    const list = this.visibleItems.find(await this.callers.resolve(request), endpoint, kind);
    if (!list) throw new ResourceNotFound('The endpoint');
    const page = paginate(list.items, ({ server, name }) => `${server} ${name}`, request);
    return { ...page, ...(list.refusal !== undefined && { refusal: list.refusal }) };
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
}
