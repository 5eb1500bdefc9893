import { Injectable, UnprocessableEntityException } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsArray, IsIn, IsObject, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { ANONYMOUS, type Caller } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { toVerifiedToken } from '../auth/index.js';
import { Memberships } from '../memberships/index.js';
import { AccessTokens } from '../tokens/index.js';
import { ResourceNotFound } from './admin.errors.js';

const MAX_TEXT_LENGTH = 2_000;

/** A hypothetical caller, described like a token. */
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

/** The caller that a question is about. Exactly one of `caller`, `token` and `anonymous` describes the caller. */
export class CallerChoice {
  @IsOptional() @Type(() => AssumedCaller) @ValidateNested() readonly caller?: AssumedCaller;

  /** Id of a personal access token. Its subject, roles, teams, scopes and servers are those of a call with it now. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly token?: string;

  /** `true` for a caller without a token. */
  @IsOptional() @IsIn([true]) readonly anonymous?: true;
}

/** Resolves described callers with their teams and roles as of now. */
@Injectable()
export class AssumedCallers {
  constructor(
    private readonly memberships: Memberships,
    private readonly tokens: AccessTokens,
  ) {}

  /** @throws UnprocessableEntityException unless exactly one member describes the caller, ResourceNotFound for an unknown token */
  async resolve({ caller, token, anonymous }: CallerChoice): Promise<Caller> {
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
