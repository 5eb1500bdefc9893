import { Body, HttpCode, Post } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsArray, IsIn, IsObject, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import type { Caller, ItemKind } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { ConfiguredAccessPolicy, type Explanation } from '../policy/index.js';
import { Items } from '../items/index.js';
import { ServerRegistry } from '../registry/index.js';
import { Memberships } from '../memberships/index.js';
import { RequireRoles } from './admin-guard.js';
import { ResourceNotFound } from './admin.errors.js';
import { evaluateGates, type Gate } from './call-gates.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

const MAX_TEXT_LENGTH = 2_000;

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

/** The caller, the item and the arguments to explain. */
class ExplainRequest {
  @Type(() => AssumedCaller) @ValidateNested() readonly caller!: AssumedCaller;

  /** Slug of the server. */
  @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly server!: string;

  @IsOptional() @IsIn(['tools', 'prompts', 'resources']) readonly kind: ItemKind = 'tools';

  /** Name or URI of the item, as its server defines it or as it was renamed over this API. */
  @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly name!: string;

  /** Arguments of the call. Absent: explains whether lists contain the item. */
  @IsOptional() @IsObject() readonly args?: JsonObject;
}

/** Whether a call would be allowed, and how each rule that matches the item decides. */
export interface ExplainResponse extends Explanation {
  /** The gates of a call in their order. */
  readonly gates: readonly Gate[];
}

/** Explains access decisions. */
@AdminController('policy')
export class PolicyController {
  constructor(
    private readonly policy: ConfiguredAccessPolicy,
    private readonly registry: ServerRegistry,
    private readonly memberships: Memberships,
    private readonly items: Items,
  ) {}

  /** Decides as for a real call, except that limits are not evaluated. Teams of the subject and their roles count too. */
  @Post('explain')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Explain whether a caller may use an item', response: 'Explanation' })
  explain(@Body() { caller, server: slug, kind, name, args }: ExplainRequest): ExplainResponse {
    const server = this.registry.snapshot.servers.find((each) => each.slug === slug);
    if (!server) throw new ResourceNotFound('The server');
    const question = { caller: this.toCaller(caller), server, kind, name, ...(args && { args }) };
    const gates = evaluateGates(question, this.policy, this.items);
    const { allowed, reason, rules } = this.policy.explain(question);
    const refusing = gates.find((gate) => !gate.allowed);
    return { allowed: allowed && !refusing, reason: refusing?.reason ?? reason, rules, gates };
  }

  private toCaller({ issuer, subject, servers, ...rest }: AssumedCaller): Caller {
    return this.memberships.toCaller({ ...rest, principal: { issuer, subject }, ...(servers && { servers }) });
  }
}
