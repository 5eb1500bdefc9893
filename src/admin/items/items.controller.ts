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
  findDifferences,
  type DefinedItem,
  type Difference,
  type ItemKind,
  type Items,
  type ItemStatus,
  type KnownItem,
} from '../../items/index.js';
import { RequireRoles } from '../admin-guard.js';
import { ResourceNotFound } from '../admin.errors.js';
import { DescribeRoute } from '../openapi/route-description.js';
import { paginate, PageQuery, type Page } from '../pages.js';
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

interface ItemResponse extends Omit<KnownItem, 'firstSeenAt' | 'changedAt'> {
  readonly status: ItemStatus;
  readonly firstSeenAt: string;
  readonly changedAt: string;
}

interface ItemDefinitionResponse extends ItemResponse {
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
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Lists what was found at servers, a page at a time', response: 'ItemPage' })
  list(@Query() query: ItemQuery): Page<ItemResponse> {
    const all = this.items.list(this.kind);
    const shadows = shadowsAmong(all);
    const wanted = all.map((item) => this.toResponse(item, shadows)).filter((item) => fits(item, query));
    return paginate(wanted, ({ server, name }) => `${server} ${name}`, query);
  }

  @Get(':server/:name')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Shows one, and how its definition has changed', response: 'DefinedItem' })
  async find(@Param('server') server: string, @Param('name') name: string): Promise<ItemDefinitionResponse> {
    const item = await this.requireItem(server, name);
    const { approved, seen, ...known } = item;
    const shown = this.toResponse(known, shadowsAmong(this.items.list(this.kind)));
    return { ...shown, approved, seen, differences: findDifferences(approved, seen) };
  }

  /** Approves the definition that was looked at. */
  @Post(':server/:name/approve')
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Approves the definition that was looked at', response: 'DefinedItem' })
  async approve(
    @Param('server') server: string,
    @Param('name') name: string,
    @Body() { digest }: Approval,
  ): Promise<ItemDefinitionResponse> {
    await this.requireItem(server, name);
    if (!(await this.items.approve({ server, kind: this.kind, name }, digest))) {
      throw new ConflictException(
        'The definition is another one by now. Look at it again, then approve its seenDigest.',
      );
    }
    return this.find(server, name);
  }

  @Post(':server/:name/enable')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Shows it again', response: 'DefinedItem' })
  enable(@Param('server') server: string, @Param('name') name: string): Promise<ItemDefinitionResponse> {
    return this.updateChoice(server, name, { isDisabled: false });
  }

  @Post(':server/:name/disable')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Shows it to nobody', response: 'DefinedItem' })
  disable(@Param('server') server: string, @Param('name') name: string): Promise<ItemDefinitionResponse> {
    return this.updateChoice(server, name, { isDisabled: true });
  }

  /** Renames an item and describes it anew, for all clients. The URI of a resource stays. */
  @Put(':server/:name/presentation')
  @RequireRoles(['admin'])
  @DescribeRoute({ summary: 'Renames it, and describes it anew', response: 'DefinedItem' })
  async updatePresentation(
    @Param('server') server: string,
    @Param('name') name: string,
    @Body() body: ItemPresentation,
  ): Promise<ItemDefinitionResponse> {
    const { isDisabled } = await this.requireItem(server, name);
    const { name: shownName, description: shownDescription } = body;
    const isTaken = (item: KnownItem) =>
      item.server === server && item.name !== name && (item.name === shownName || item.shownName === shownName);
    if (shownName !== undefined && this.items.list(this.kind).some(isTaken)) {
      throw new UnprocessableEntityException('Another item of this server is called so. Choose another name.');
    }
    const isRenamed = shownName !== undefined && shownName !== name;
    const said = { ...(isRenamed && { shownName }), ...(shownDescription !== undefined && { shownDescription }) };
    await this.items.setOverrides({ server, kind: this.kind, name }, { isDisabled, ...said });
    return this.find(server, name);
  }

  private async updateChoice(
    server: string,
    name: string,
    more: { isDisabled: boolean },
  ): Promise<ItemDefinitionResponse> {
    const { shownName, shownDescription } = await this.requireItem(server, name);
    const kept = {
      ...(shownName !== undefined && { shownName }),
      ...(shownDescription !== undefined && { shownDescription }),
    };
    await this.items.setOverrides({ server, kind: this.kind, name }, { ...kept, ...more });
    return this.find(server, name);
  }

  private async requireItem(server: string, name: string): Promise<DefinedItem> {
    const item = await this.items.find({ server, kind: this.kind, name });
    if (!item) throw new ResourceNotFound('The item');
    return item;
  }

  private toResponse({ firstSeenAt, changedAt, flags, ...item }: KnownItem, shadows: Shadows): ItemResponse {
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

function fits({ server, name, shownName = '', status, flags }: ItemResponse, wanted: ItemQuery): boolean {
  if (wanted.server !== undefined && wanted.server !== server) return false;
  if (wanted.status !== undefined && wanted.status !== status) return false;
  if (wanted.flagged !== undefined && wanted.flagged !== flags.length > 0) return false;
  return wanted.q === undefined || `${name}\n${shownName}`.toLowerCase().includes(wanted.q.toLowerCase());
}
