import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  Matches,
  ValidateNested,
} from 'class-validator';
import { IsLinearPattern } from '#lib/extension-kit';

/** What a preset refuses: see `presets.ts`. */
export const DENY_PRESETS = ['path-escape', 'sql-write', 'shell', 'internal-url'] as const;
export type DenyPreset = (typeof DENY_PRESETS)[number];

const MAX_ENTRIES = 100;
const POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/;

/** What is refused in some arguments. A rule applies when one of its presets, patterns or lists refuses a text. */
export class DenyRule {
  /**
   * JSON pointers of the arguments (RFC 6901), such as `/path` or `/filters/*\/value`. A part `*` matches any member or item. All texts
   * below a pointer are examined. Default: every argument.
   */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_ENTRIES)
  @Matches(POINTER, { each: true, message: 'arguments must be JSON pointers, such as /path or /filters/*/value' })
  readonly arguments?: readonly string[];

  /**
   * `path-escape`: paths that leave their folder with `..`, also encoded. `sql-write`: SQL verbs that change data or definitions.
   * `shell`: characters that a shell interprets. `internal-url`: URLs of this machine, of private networks and of names without a domain.
   */
  @IsOptional()
  @IsArray()
  @IsIn(DENY_PRESETS, { each: true })
  readonly presets?: readonly DenyPreset[];

  /** Regular expressions in the syntax of JavaScript, without look-around and back-references. A text that matches is refused. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_ENTRIES)
  @IsLinearPattern({ each: true })
  readonly patterns?: readonly string[];

  /** Folders, such as `/data/public`. A text that is not a path in one of them is refused. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_ENTRIES)
  @IsString({ each: true })
  readonly allowPaths?: readonly string[];

  /** Hosts, such as `*.example.com`; `*` matches any characters. URLs of these hosts are refused. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_ENTRIES)
  @IsString({ each: true })
  readonly denyHosts?: readonly string[];

  /** Hosts, such as `*.example.com`; `*` matches any characters. URLs of all other hosts are refused. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_ENTRIES)
  @IsString({ each: true })
  readonly allowHosts?: readonly string[];
}

/** Options of the check `deny`. */
export class DenyOptions {
  /** A call is refused when one of the rules applies. */
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_ENTRIES)
  @ValidateNested({ each: true })
  @Type(() => DenyRule)
  readonly rules!: readonly DenyRule[];
}
