import { Injectable } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsBoolean, IsDate, IsIn, IsObject, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { canonicalJson, type JsonObject } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import {
  toDefinition,
  Items,
  ID_MEMBERS,
  type DefinedItem,
  type ItemKind,
  type RestoredCounts,
  type RestoredItem,
} from '../../items/index.js';
import type { Fault } from '../../registry/index.js';
import { MAX_DESCRIPTION_LENGTH, SHOWN_NAME, SHOWN_NAME_RULE } from '../items/item-presentation.js';

const MAX_NAME_LENGTH = 2_048;

/** An item of a server with its approved definition and the settings of admins. */
export class ExportedItem {
  /** Slug of the server. */
  @IsString() @MaxLength(MAX_NAME_LENGTH) readonly server!: string;
  @IsIn(Object.keys(ID_MEMBERS)) readonly kind!: ItemKind;
  /** Name, URI or URI template, as its server defines it. */
  @IsString() @MaxLength(MAX_NAME_LENGTH) readonly name!: string;
  /** True for an item that is hidden from all clients. */
  @IsOptional() @IsBoolean() readonly isDisabled?: boolean;
  @IsOptional() @Matches(SHOWN_NAME, { message: SHOWN_NAME_RULE }) readonly shownName?: string;
  @IsOptional() @IsString() @MaxLength(MAX_DESCRIPTION_LENGTH) readonly shownDescription?: string;
  /** The approved definition. */
  @IsObject() readonly approved!: JsonObject;
  /** The latest definition, if it differs from the approved one. */
  @IsOptional() @IsObject() readonly seen?: JsonObject;
  @Type(() => Date) @IsOptional() @IsDate() readonly firstSeenAt?: Date;
  @Type(() => Date) @IsOptional() @IsDate() readonly changedAt?: Date;
}

/** Exports and restores items. */
@Injectable()
export class ExportedItems {
  constructor(
    private readonly items: Items,
    private readonly clock: Clock,
  ) {}

  /** @throws DatabaseUnavailable */
  async export(): Promise<readonly ExportedItem[]> {
    return (await this.items.readDefinitions()).map(toExportedItem);
  }

  /** @throws DatabaseUnavailable */
  restore(items: readonly RestoredItem[], options: Parameters<Items['restore']>[1]): Promise<RestoredCounts> {
    return this.items.restore(items, options);
  }

  /** Validates exported items and adds their faults to `faults`. */
  parse(items: readonly ExportedItem[], faults: Fault[]): readonly RestoredItem[] {
    const now = new Date(this.clock.now());
    const names = new ItemNames(this.items, items);
    return items.flatMap((item, index) => {
      if (names.clashes(item)) {
        faults.push({ path: `items.${index}.shownName`, message: 'Another item of this server has this name.' });
      }
      return toRestoredItem(item, `items.${index}`, faults, now) ?? [];
    });
  }
}

/** Counts the names of the items of each server as they will be after the import. */
class ItemNames {
  private readonly uses = new Map<string, number>();

  constructor(known: Items, items: readonly ExportedItem[]) {
    const all = new Map<string, Pick<ExportedItem, 'server' | 'kind' | 'name' | 'shownName'>>();
    for (const kind of Object.keys(ID_MEMBERS) as ItemKind[])
      for (const item of known.list(kind)) all.set(toKey(item), item);
    for (const item of items) all.set(toKey(item), item);
    for (const { server, kind, name, shownName } of all.values()) {
      for (const usedName of new Set([name, shownName ?? name])) {
        const key = toKey({ server, kind, name: usedName });
        this.uses.set(key, (this.uses.get(key) ?? 0) + 1);
      }
    }
  }

  clashes({ server, kind, name, shownName }: ExportedItem): boolean {
    if (shownName === undefined || shownName === name) return false;
    return (this.uses.get(toKey({ server, kind, name: shownName })) ?? 0) > 1;
  }
}

const toKey = ({ server, kind, name }: Pick<ExportedItem, 'server' | 'kind' | 'name'>): string =>
  JSON.stringify([server, kind, name]);

function toExportedItem({
  approved,
  seen,
  approvedDigest,
  seenDigest,
  flags: _flags,
  identity: _identity,
  ...item
}: DefinedItem): ExportedItem {
  return { ...item, approved, ...(approvedDigest !== seenDigest && { seen }) };
}

function toRestoredItem(item: ExportedItem, path: string, faults: Fault[], now: Date): RestoredItem | undefined {
  const { server, kind, name, isDisabled = false, shownName, shownDescription } = item;
  const approved = readDefinition(item, 'approved', path, faults);
  const seen = item.seen ? readDefinition(item, 'seen', path, faults) : approved;
  if (!approved || !seen) return undefined;
  return {
    server,
    kind,
    name,
    isDisabled,
    ...(shownName !== undefined && shownName !== name && { shownName }),
    ...(shownDescription !== undefined && { shownDescription }),
    approved,
    seen,
    firstSeenAt: item.firstSeenAt ?? now,
    changedAt: item.changedAt ?? now,
  };
}

/** Requires that the definition is unchanged by parsing, because unknown members would be lost silently. */
function readDefinition(
  { kind, name, ...item }: ExportedItem,
  member: 'approved' | 'seen',
  path: string,
  faults: Fault[],
) {
  const given = item[member] ?? {};
  const parsed = toDefinition(kind, given);
  if (parsed?.name === name && canonicalJson(parsed.definition) === canonicalJson(given)) return parsed;
  const message = `must be an exported definition whose ${ID_MEMBERS[kind]} is ${JSON.stringify(name)}.`;
  faults.push({ path: `${path}.${member}`, message });
  return undefined;
}
