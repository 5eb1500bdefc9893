import { Injectable } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsBoolean, IsDate, IsIn, IsObject, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { canonicalJson, type JsonObject } from '#lib/mcp-protocol';
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
import { MAX_DESCRIPTION_LENGTH, SHOWN_NAME } from '../items/item-presentation.js';

const LONGEST_NAME = 2_048;

/** An item of a server: as it was approved, and what was said of it. */
export class ExportedItem {
  /** Slug. */
  @IsString() @MaxLength(LONGEST_NAME) readonly server!: string;
  @IsIn(Object.keys(ID_MEMBERS)) readonly kind!: ItemKind;
  /** Name, URI or URI template, as its server has it. */
  @IsString() @MaxLength(LONGEST_NAME) readonly name!: string;
  /** Nobody is shown it. */
  @IsOptional() @IsBoolean() readonly isDisabled?: boolean;
  @IsOptional() @Matches(SHOWN_NAME) readonly shownName?: string;
  @IsOptional() @IsString() @MaxLength(MAX_DESCRIPTION_LENGTH) readonly shownDescription?: string;
  /** The definition that was approved. */
  @IsObject() readonly approved!: JsonObject;
  /** The one that was seen last, where it is another one. */
  @IsOptional() @IsObject() readonly seen?: JsonObject;
  @Type(() => Date) @IsOptional() @IsDate() readonly firstSeenAt?: Date;
  @Type(() => Date) @IsOptional() @IsDate() readonly changedAt?: Date;
}

/** Items on their way out of one gateway and into another. */
@Injectable()
export class ExportedItems {
  constructor(private readonly items: Items) {}

  /** @throws DatabaseUnavailable */
  async export(): Promise<readonly ExportedItem[]> {
    return (await this.items.readDefinitions()).map(exported);
  }

  /** @throws DatabaseUnavailable */
  restore(items: readonly RestoredItem[], options: Parameters<Items['restore']>[1]): Promise<RestoredCounts> {
    return this.items.restore(items, options);
  }

  /** With all that is wrong with them. */
  parse(items: readonly ExportedItem[], faults: Fault[]): readonly RestoredItem[] {
    const names = new ShownNames(this.items, items);
    return items.flatMap((item, index) => {
      if (names.clashes(item)) {
        faults.push({ path: `items.${index}.shownName`, message: 'Another item of this server is called so.' });
      }
      return restored(item, `items.${index}`, faults) ?? [];
    });
  }
}

/** What the items of each server are called, once some are as they are to be. */
class ShownNames {
  private readonly uses = new Map<string, number>();

  constructor(known: Items, items: readonly ExportedItem[]) {
    const all = new Map<string, Pick<ExportedItem, 'server' | 'kind' | 'name' | 'shownName'>>();
    for (const kind of Object.keys(ID_MEMBERS) as ItemKind[])
      for (const item of known.list(kind)) all.set(idOf(item), item);
    for (const item of items) all.set(idOf(item), item);
    for (const { server, kind, name, shownName } of all.values()) {
      for (const called of new Set([name, shownName ?? name])) {
        const key = idOf({ server, kind, name: called });
        this.uses.set(key, (this.uses.get(key) ?? 0) + 1);
      }
    }
  }

  clashes({ server, kind, name, shownName }: ExportedItem): boolean {
    if (shownName === undefined || shownName === name) return false;
    return (this.uses.get(idOf({ server, kind, name: shownName })) ?? 0) > 1;
  }
}

const idOf = ({ server, kind, name }: Pick<ExportedItem, 'server' | 'kind' | 'name'>): string =>
  JSON.stringify([server, kind, name]);

function exported({ approved, seen, approvedDigest, seenDigest, flags: _flags, ...item }: DefinedItem): ExportedItem {
  return { ...item, approved, ...(approvedDigest !== seenDigest && { seen }) };
}

function restored(item: ExportedItem, path: string, faults: Fault[]): RestoredItem | undefined {
  const { server, kind, name, isDisabled = false, shownName, shownDescription } = item;
  const approved = definitionIn(item, 'approved', path, faults);
  const seen = item.seen ? definitionIn(item, 'seen', path, faults) : approved;
  if (!approved || !seen) return undefined;
  const now = new Date();
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

/** A member that no definition has would be lost without a word. */
function definitionIn(
  { kind, name, ...item }: ExportedItem,
  member: 'approved' | 'seen',
  path: string,
  faults: Fault[],
) {
  const given = item[member] ?? {};
  const found = toDefinition(kind, given);
  if (found?.name === name && canonicalJson(found.definition) === canonicalJson(given)) return found;
  const message = `must be a definition whose ${ID_MEMBERS[kind]} is ${JSON.stringify(name)}, as an export has it.`;
  faults.push({ path: `${path}.${member}`, message });
  return undefined;
}
