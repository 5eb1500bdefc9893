import { Transform } from 'class-transformer';
import { IsBoolean, IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import type { JsonObject } from '#lib/mcp-protocol';
import { PageQuery } from '../pages.js';

const MAX_SLUG_LENGTH = 32;
const MAX_SEARCH_LENGTH = 200;

/** The source of an entry in the format of the configuration file (docs/configuration.md). */
export class EntryReplacement {
  @IsObject()
  readonly entry!: JsonObject;
}

/** A new entry. */
export class NewEntry extends EntryReplacement {
  /** Name of the entry in URLs and in public names. */
  @IsString()
  @MaxLength(MAX_SLUG_LENGTH)
  readonly slug!: string;
}

const toBoolean = ({ value }: { value: unknown }): unknown =>
  value === 'true' ? true : value === 'false' ? false : value;

/** Filter for entries. */
export class EntryQuery extends PageQuery {
  /** Whether the configuration file declares the entry. */
  @Transform(toBoolean)
  @IsOptional()
  @IsBoolean()
  readonly managed?: boolean;

  /** Case-insensitive part of the slug or of the title. */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_SEARCH_LENGTH)
  readonly q?: string;
}

/** Filter for servers. */
export class ServerQuery extends EntryQuery {
  /** `http`, `sse`, `stdio`, `rest`, or a kind of an extension. */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_SEARCH_LENGTH)
  readonly transport?: string;

  @Transform(toBoolean)
  @IsOptional()
  @IsBoolean()
  readonly enabled?: boolean;
}
