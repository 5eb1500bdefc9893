import { Transform } from 'class-transformer';
import { IsArray, IsInt, IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { DURATION_FORM, parseDuration } from '#lib/config';
import { PageQuery } from './pages.js';

const LONGEST = 512;
const DAY_MS = 86_400_000;

/** NaN, not undefined: what cannot be read is not what was left out. */
const toDuration = ({ value }: { value: unknown }): unknown =>
  (typeof value === 'string' ? parseDuration(value) : undefined) ?? NaN;

/** What a personal access token is to be good for. */
export class TokenRequest {
  /** What it is for, in the words of its owner. */
  @IsString() @IsNotEmpty() @MaxLength(LONGEST) readonly title!: string;

  /** How long it is good, `30d` say. */
  @JSONSchema({ type: 'string', example: '30d' })
  @Transform(toDuration)
  @IsOptional()
  @IsInt({ message: `expiresIn must be ${DURATION_FORM}` })
  readonly expiresIn: number = 30 * DAY_MS;

  /** Of those of whoever makes it. Without: none. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly roles: readonly string[] = [];

  /** Of those of whoever makes it. Without: all of them. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly scopes?: readonly string[];

  /** Slugs. Without: every server that its owner may use. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly servers?: readonly string[];

  /** Whom it stands for; role `admin` makes tokens for others, with any role and scope. Without: whoever makes it. */
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(LONGEST) readonly subject?: string;
}

/** Which tokens are wanted. */
export class TokenQuery extends PageQuery {
  @IsOptional() @IsString() @MaxLength(LONGEST) readonly subject?: string;
}
