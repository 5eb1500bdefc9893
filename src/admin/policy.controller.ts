import { Body, HttpCode, Post, UnprocessableEntityException } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsArray, IsIn, IsObject, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { ANONYMOUS, type Caller, type ItemKind } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { ServerRegistry } from '../registry/index.js';
import { toVerifiedToken } from '../auth/index.js';
import { Memberships } from '../memberships/index.js';
import { AccessTokens } from '../tokens/index.js';
import { RequireRoles } from './admin-guard.js';
import { ResourceNotFound } from './admin.errors.js';
import { CallGates, type CallExplanation } from './call-gates.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

const MAX_TEXT_LENGTH = 2_000;
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

/** Explains access decisions. */
@AdminController('policy')
export class PolicyController {
  constructor(
    private readonly gates: CallGates,
    private readonly registry: ServerRegistry,
    private readonly memberships: Memberships,
    private readonly tokens: AccessTokens,
  ) {}

  /** Decides by the code that admits calls, except that limits are not evaluated. */
  @Post('explain')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Explain whether a caller may use an item', response: 'Explanation' })
  async explain(@Body() request: ExplainRequest): Promise<CallExplanation> {
    const { server: slug, endpoint, kind, name, args } = request;
    const server = this.registry.snapshot.servers.find((each) => each.slug === slug);
    if (!server) throw new ResourceNotFound('The server');
    const isTemplate = kind === 'resources' && TEMPLATE_EXPRESSION.test(name);
    const reference = { kind, text: name, ...(isTemplate && { isTemplate }), ...(args && { args }) };
    const caller = await this.resolveCaller(request);
    return this.gates.explain({ caller, server, ...(endpoint !== undefined && { endpoint }), reference });
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
