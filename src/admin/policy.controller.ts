import { Body, HttpCode, Post } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsArray, IsIn, IsObject, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import type { Caller, ItemKind } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { ConfiguredAccessPolicy, type Explanation } from '../policy/index.js';
import { ServerRegistry } from '../registry/index.js';
import { Memberships } from '../auth/index.js';
import { Takes } from './admin-guard.js';
import { NotThere } from './admin.errors.js';
import { AdminController } from './admin-route.js';
import { Describes } from './openapi/described.js';

const LONGEST = 2_000;

/** Somebody that a token could name. */
class AssumedCaller {
  @IsString() @MaxLength(LONGEST) readonly subject!: string;
  @IsOptional() @IsString() @MaxLength(LONGEST) readonly issuer: string = 'isthmus';
  @IsOptional() @IsArray() @IsString({ each: true }) readonly roles: readonly string[] = [];
  @IsOptional() @IsArray() @IsString({ each: true }) readonly teams: readonly string[] = [];
  @IsOptional() @IsArray() @IsString({ each: true }) readonly scopes: readonly string[] = [];
  @IsOptional() @IsObject() readonly claims: JsonObject = {};
}

/** May this caller use this item? */
class PolicyQuestion {
  @Type(() => AssumedCaller) @ValidateNested() readonly caller!: AssumedCaller;

  /** Slug of the server. */
  @IsString() @MaxLength(LONGEST) readonly server!: string;

  @IsOptional() @IsIn(['tools', 'prompts', 'resources']) readonly kind: ItemKind = 'tools';

  /** The name or URI that the server itself gives the item. */
  @IsString() @MaxLength(LONGEST) readonly name!: string;

  /** Arguments of the call. Without: whether a list shows the item. */
  @IsOptional() @IsObject() readonly args?: JsonObject;
}

/** Says what the policies come to, and why. */
@AdminController('policy')
export class PolicyController {
  constructor(
    private readonly policy: ConfiguredAccessPolicy,
    private readonly registry: ServerRegistry,
    private readonly memberships: Memberships,
  ) {}

  /** Decides as for a real caller. Teams and roles that the subject has by its teams count too. */
  @Post('explain')
  @Takes(['admin', 'operator', 'auditor'])
  @HttpCode(200)
  @Describes({ summary: 'Says whether a caller may use an item, and why', answer: 'Explanation' })
  explain(@Body() { caller, server: slug, kind, name, args }: PolicyQuestion): Explanation {
    const server = this.registry.find(slug);
    if (!server) throw new NotThere('The server');
    return this.policy.explain({ caller: this.assumed(caller), server, kind, name, ...(args && { args }) });
  }

  private assumed({ issuer, subject, roles, teams, scopes, claims }: AssumedCaller): Caller {
    return this.memberships.callerOf({ principal: { issuer, subject }, roles, teams, scopes, claims });
  }
}
