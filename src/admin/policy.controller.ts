import { Body, HttpCode, Post } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsArray, IsIn, IsObject, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import type { Caller, ItemKind } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { ConfiguredAccessPolicy, type Explanation } from '../policy/index.js';
import { Items } from '../items/index.js';
import { ServerRegistry } from '../registry/index.js';
import { Memberships } from '../auth/index.js';
import { RequireRoles } from './admin-guard.js';
import { ResourceNotFound } from './admin.errors.js';
import { evaluateGates, type Gate } from './call-gates.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

const LONGEST = 2_000;

/** Somebody that a token could name. */
class AssumedCaller {
  @IsString() @MaxLength(LONGEST) readonly subject!: string;
  @IsOptional() @IsString() @MaxLength(LONGEST) readonly issuer: string = 'isthmus';
  @IsOptional() @IsArray() @IsString({ each: true }) readonly roles: readonly string[] = [];
  @IsOptional() @IsArray() @IsString({ each: true }) readonly teams: readonly string[] = [];
  @IsOptional() @IsArray() @IsString({ each: true }) readonly scopes: readonly string[] = [];
  @IsOptional() @IsObject() readonly claims: JsonObject = {};

  /** Slugs of the servers that its token is good for. Without: all of them. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly servers?: readonly string[];
}

/** May this caller use this item? */
class ExplainRequest {
  @Type(() => AssumedCaller) @ValidateNested() readonly caller!: AssumedCaller;

  /** Slug of the server. */
  @IsString() @MaxLength(LONGEST) readonly server!: string;

  @IsOptional() @IsIn(['tools', 'prompts', 'resources']) readonly kind: ItemKind = 'tools';

  /** The name or URI of the item: its server's, or the one that it was given over this API. */
  @IsString() @MaxLength(LONGEST) readonly name!: string;

  /** Arguments of the call. Without: whether a list shows the item. */
  @IsOptional() @IsObject() readonly args?: JsonObject;
}

/** Whether a call would be let in, and what became of each rule that names the item. */
export interface ExplainResponse extends Explanation {
  /** What a call meets, in its order. */
  readonly gates: readonly Gate[];
}

/** Says what the policies come to, and why. */
@AdminController('policy')
export class PolicyController {
  constructor(
    private readonly policy: ConfiguredAccessPolicy,
    private readonly registry: ServerRegistry,
    private readonly memberships: Memberships,
    private readonly items: Items,
  ) {}

  /** Decides as for a real call; only limits are not asked. Teams and roles that the subject has by its teams count too. */
  @Post('explain')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Says whether a caller may use an item, and why', response: 'Explanation' })
  explain(@Body() { caller, server: slug, kind, name, args }: ExplainRequest): ExplainResponse {
    const server = this.registry.snapshot.servers.find((each) => each.slug === slug);
    if (!server) throw new ResourceNotFound('The server');
    const question = { caller: this.toCaller(caller), server, kind, name, ...(args && { args }) };
    const gates = evaluateGates(question, this.policy, this.items);
    const { allowed, reason, rules } = this.policy.explain(question);
    const closed = gates.find((gate) => !gate.allowed);
    return { allowed: allowed && !closed, reason: closed?.reason ?? reason, rules, gates };
  }

  private toCaller({ issuer, subject, servers, ...rest }: AssumedCaller): Caller {
    return this.memberships.toCaller({ ...rest, principal: { issuer, subject }, ...(servers && { servers }) });
  }
}
