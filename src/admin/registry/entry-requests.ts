import { Transform } from 'class-transformer';
import { IsBoolean, IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import type { JsonObject } from '#lib/mcp-protocol';
import { PageQuery } from '../pages.js';

const LONGEST_SLUG = 200;
const LONGEST_SEARCH = 200;

/** What an entry is to be, in the words of the configuration file (docs/configuration.md). */
export class EntryReplacement {
  @IsObject()
  readonly entry!: JsonObject;
}

/** A new entry. */
export class NewEntry extends EntryReplacement {
  /** What URLs and public names call it. */
  @IsString()
  @MaxLength(LONGEST_SLUG)
  readonly slug!: string;
}

const toBoolean = ({ value }: { value: unknown }): unknown =>
  value === 'true' ? true : value === 'false' ? false : value;

/** Which entries are wanted. */
export class EntryQuery extends PageQuery {
  /** Declared in the configuration file. */
  @Transform(toBoolean)
  @IsOptional()
  @IsBoolean()
  readonly managed?: boolean;

  /** A part of the slug or of the title, in whatever case. */
  @IsOptional()
  @IsString()
  @MaxLength(LONGEST_SEARCH)
  readonly q?: string;
}

/** Which servers are wanted. */
export class ServerQuery extends EntryQuery {
  /** `http`, `sse`, `stdio` or `rest`. */
  @IsOptional()
  @IsString()
  @MaxLength(LONGEST_SEARCH)
  readonly transport?: string;

  @Transform(toBoolean)
  @IsOptional()
  @IsBoolean()
  readonly enabled?: boolean;
}
