import {
  Body,
  ConflictException,
  Get,
  Header,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  UnprocessableEntityException,
} from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  differencesOf,
  type DefinedItem,
  type Difference,
  type ItemKind,
  type Items,
  type ItemStatus,
  type KnownItem,
} from '../../items/index.js';
import { Takes } from '../admin-guard.js';
import { NotThere } from '../admin.errors.js';
import { Describes } from '../openapi/described.js';
import { pageOf, PageQuery, type Page } from '../pages.js';
import { ItemPresentation } from './item-presentation.js';

const LONGEST = 10_000;

/** Which items are wanted; all that is said must fit. */
class ItemQuery extends PageQuery {
  /** Slug. */
  @IsOptional() @IsString() @MaxLength(LONGEST) readonly server?: string;

  /** A part of the name, its own or the one that is shown, in whatever case. */
  @IsOptional() @IsString() @MaxLength(LONGEST) readonly q?: string;

  @IsOptional() @IsIn(['approved', 'changed', 'quarantined']) readonly status?: ItemStatus;

  /** There is something suspicious about them. */
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsOptional()
  @IsBoolean()
  readonly flagged?: boolean;
}

/** The definition that somebody has looked at. */
class Approval {
  /** `seenDigest` of the item as it was shown. */
  @IsString() @MaxLength(LONGEST) readonly digest!: string;
}

interface ShownItem extends Omit<KnownItem, 'firstSeenAt' | 'changedAt'> {
  readonly status: ItemStatus;
  readonly firstSeenAt: string;
  readonly changedAt: string;
}

interface ShownDefinition extends ShownItem {
  readonly approved: JsonObject;
  readonly seen: JsonObject;
  /** Where the definition that was seen last differs from the approved one. */
  readonly differences: readonly Difference[];
}

/** What can be done with the items of one kind, of all servers, as they were found in their lists. */
export abstract class ItemsController {
  constructor(
    private readonly items: Items,
    private readonly kind: ItemKind,
  ) {}

  /** By server and name. */
  @Get()
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'Lists what was found at servers, a page at a time', answer: 'ItemPage' })
  list(@Query() query: ItemQuery): Page<ShownItem> {
    const all = this.items.list(this.kind);
    const shadows = shadowsAmong(all);
    const wanted = all.map((item) => this.shown(item, shadows)).filter((item) => fits(item, query));
    return pageOf(wanted, ({ server, name }) => `${server} ${name}`, query);
  }

  @Get(':server/:name')
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'Shows one, and how its definition has changed', answer: 'DefinedItem' })
  async find(@Param('server') server: string, @Param('name') name: string): Promise<ShownDefinition> {
    const item = await this.stored(server, name);
    const { approved, seen, ...known } = item;
    const shown = this.shown(known, shadowsAmong(this.items.list(this.kind)));
    return { ...shown, approved, seen, differences: differencesOf(approved, seen) };
  }

  /** Approves the definition that was looked at. */
  @Post(':server/:name/approve')
  @Takes(['admin'])
  @HttpCode(200)
  @Describes({ summary: 'Approves the definition that was looked at', answer: 'DefinedItem' })
  async approve(
    @Param('server') server: string,
    @Param('name') name: string,
    @Body() { digest }: Approval,
  ): Promise<ShownDefinition> {
    await this.stored(server, name);
    if (!(await this.items.approve({ server, kind: this.kind, name }, digest))) {
      throw new ConflictException(
        'The definition is another one by now. Look at it again, then approve its seenDigest.',
      );
    }
    return this.find(server, name);
  }

  @Post(':server/:name/enable')
  @Takes(['admin', 'operator'])
  @HttpCode(200)
  @Describes({ summary: 'Shows it again', answer: 'DefinedItem' })
  enable(@Param('server') server: string, @Param('name') name: string): Promise<ShownDefinition> {
    return this.choose(server, name, { isDisabled: false });
  }

  @Post(':server/:name/disable')
  @Takes(['admin', 'operator'])
  @HttpCode(200)
  @Describes({ summary: 'Shows it to nobody', answer: 'DefinedItem' })
  disable(@Param('server') server: string, @Param('name') name: string): Promise<ShownDefinition> {
    return this.choose(server, name, { isDisabled: true });
  }

  /** Renames an item and describes it anew, for all clients. The URI of a resource stays. */
  @Put(':server/:name/presentation')
  @Takes(['admin'])
  @Describes({ summary: 'Renames it, and describes it anew', answer: 'DefinedItem' })
  async present(
    @Param('server') server: string,
    @Param('name') name: string,
    @Body() body: ItemPresentation,
  ): Promise<ShownDefinition> {
    const { isDisabled } = await this.stored(server, name);
    const { name: shownName, description: shownDescription } = body;
    const isTaken = (item: KnownItem) =>
      item.server === server && item.name !== name && (item.name === shownName || item.shownName === shownName);
    if (shownName !== undefined && this.items.list(this.kind).some(isTaken)) {
      throw new UnprocessableEntityException('Another item of this server is called so. Choose another name.');
    }
    const isRenamed = shownName !== undefined && shownName !== name;
    const said = { ...(isRenamed && { shownName }), ...(shownDescription !== undefined && { shownDescription }) };
    await this.items.choose({ server, kind: this.kind, name }, { isDisabled, ...said });
    return this.find(server, name);
  }

  private async choose(server: string, name: string, more: { isDisabled: boolean }): Promise<ShownDefinition> {
    const { shownName, shownDescription } = await this.stored(server, name);
    const kept = {
      ...(shownName !== undefined && { shownName }),
      ...(shownDescription !== undefined && { shownDescription }),
    };
    await this.items.choose({ server, kind: this.kind, name }, { ...kept, ...more });
    return this.find(server, name);
  }

  private async stored(server: string, name: string): Promise<DefinedItem> {
    const item = await this.items.find({ server, kind: this.kind, name });
    if (!item) throw new NotThere('The item');
    return item;
  }

  private shown({ firstSeenAt, changedAt, flags, ...item }: KnownItem, shadows: Shadows): ShownItem {
    const others = (shadows.get(keyOf(item.name)) ?? []).filter((server) => server !== item.server);
    const shadowed = others.length > 0 ? [`it is called like an item of ${others.slice(0, 5).join(', ')}.`] : [];
    return {
      ...item,
      flags: [...flags, ...shadowed],
      status: this.items.statusOf({ ...item, firstSeenAt, changedAt, flags }),
      firstSeenAt: firstSeenAt.toISOString(),
      changedAt: changedAt.toISOString(),
    };
  }
}

type Shadows = ReadonlyMap<string, readonly string[]>;

/** A model does not tell names apart that differ in case and separators only. */
const keyOf = (name: string): string => name.toLowerCase().replaceAll(/[-_.]/g, '');

/** Servers by the names of their tools. */
function shadowsAmong(tools: readonly KnownItem[]): Shadows {
  const servers = new Map<string, string[]>();
  for (const { server, name } of tools) {
    const known = servers.get(keyOf(name));
    if (known) known.push(server);
    else servers.set(keyOf(name), [server]);
  }
  return servers;
}

function fits({ server, name, shownName = '', status, flags }: ShownItem, wanted: ItemQuery): boolean {
  if (wanted.server !== undefined && wanted.server !== server) return false;
  if (wanted.status !== undefined && wanted.status !== status) return false;
  if (wanted.flagged !== undefined && wanted.flagged !== flags.length > 0) return false;
  return wanted.q === undefined || `${name}\n${shownName}`.toLowerCase().includes(wanted.q.toLowerCase());
}
