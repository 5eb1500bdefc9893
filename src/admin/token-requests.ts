import { Transform } from 'class-transformer';
import { IsArray, IsInt, IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { DURATION_FORM, parseDuration } from '#lib/config';
import { PageQuery } from './pages.js';

const MAX_TEXT_LENGTH = 512;

/** Returns NaN for an invalid duration, so that validation rejects it instead of applying the default. */
const toDuration = ({ value }: { value: unknown }): unknown =>
  (typeof value === 'string' ? parseDuration(value) : undefined) ?? NaN;

/** The personal access token to create. */
export class TokenRequest {
  /** Free text that describes the purpose of the token. */
  @IsString() @IsNotEmpty() @MaxLength(MAX_TEXT_LENGTH) readonly title!: string;

  /** Lifetime as a duration such as `30d`. Default: 30d, or the maximum lifetime if that is shorter. */
  @JSONSchema({ type: 'string', example: '30d' })
  @Transform(toDuration)
  @IsOptional()
  @IsInt({ message: `expiresIn must be ${DURATION_FORM}` })
  readonly expiresIn?: number;

  /** A subset of the roles of the caller. Default: none. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly roles: readonly string[] = [];

  /** A subset of the scopes of the caller. Default: all of them. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly scopes?: readonly string[];

  /** Slugs of the servers that the token may use. Default: every server that its subject may use. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly servers?: readonly string[];

  /** Subject of the token. Role `admin` may create tokens of other subjects, with any role and scope. Default: the caller. */
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(MAX_TEXT_LENGTH) readonly subject?: string;
}

/** Filter for personal access tokens. */
export class TokenQuery extends PageQuery {
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly subject?: string;
}
