import { createHash } from 'node:crypto';
import {
  Body,
  ConflictException,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  Res,
  UnprocessableEntityException,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  findDifferences,
  ShownNameTaken,
  type DefinedItem,
  type Difference,
  type ItemKind,
  type ItemOverrides,
  type Items,
  type ItemStatus,
  type KnownItem,
} from '../../items/index.js';
import { addNamePrefix, EndpointDirectory, toPublicName } from '../../catalog/index.js';
import { ANY_VERSION, entityTag, requireMatch } from '../entity-tags.js';
import { RequireRoles } from '../admin-guard.js';
import { ResourceNotFound } from '../admin.errors.js';
import { DescribeRoute } from '../openapi/route-description.js';
import { paginate, PageQuery, type Page } from '../pages.js';
import { ItemPresentation } from './item-presentation.js';

const MAX_TEXT_LENGTH = 10_000;

const ReadBoolean = () =>
  Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value));

/** Filter for items. An item must match every parameter that is present. */
class ItemQuery extends PageQuery {
  /** Slug of the server. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly server?: string;

  /** Case-insensitive part of the name, as the server defines it or as an admin renamed it. */
  @IsOptional() @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly q?: string;

  @IsOptional() @IsIn(['approved', 'changed', 'quarantined']) readonly status?: ItemStatus;

  /** Whether the item has flags for suspicious content. */
  @ReadBoolean() @IsOptional() @IsBoolean() readonly flagged?: boolean;

  /** Whether an admin has disabled the item. */
  @ReadBoolean() @IsOptional() @IsBoolean() readonly disabled?: boolean;
}

/** The definition to approve. */
class Approval {
  /** `seenDigest` of the definition that was reviewed. */
  @IsString() @MaxLength(MAX_TEXT_LENGTH) readonly digest!: string;
}

interface ItemResponse extends Omit<KnownItem, 'firstSeenAt' | 'changedAt' | 'identity'> {
  /** Name at endpoints with several servers, where clients would not accept the prefix and the name of the item. */
  readonly publicName?: string;
  readonly status: ItemStatus;
  readonly firstSeenAt: string;
  readonly changedAt: string;
}

interface ItemDefinitionResponse extends ItemResponse {
  readonly approved: JsonObject;
  readonly seen: JsonObject;
  /** Differences between the approved and the latest definition. */
  readonly differences: readonly Difference[];
}

/** An item to change, and the version that the change was made for. */
interface ChangedItem {
  readonly server: string;
  readonly name: string;
  readonly ifMatch: string | undefined;
}

/** Routes for the items of one kind, as all servers list them. */
export abstract class ItemsController {
  constructor(
    private readonly items: Items,
    private readonly kind: ItemKind,
    private readonly endpoints: EndpointDirectory,
  ) {}

  /** Sorted by server and name. */
  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'List the items that servers have listed', response: 'ItemPage' })
  list(@Query() query: ItemQuery): Page<ItemResponse> {
    const all = this.items.list(this.kind);
    const similarNames = indexSimilarNames(all);
    const matching = all.map((item) => this.toResponse(item, similarNames)).filter((item) => matches(item, query));
    return paginate(matching, ({ server, name }) => `${server} ${name}`, query);
  }

  @Get(':server/:name')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'Show an item and the changes of its definition', response: 'DefinedItem' })
  async find(
    @Param('server') server: string,
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ItemDefinitionResponse> {
    return this.replyWith(reply, await this.requireItem(server, name));
  }

  @Post(':server/:name/approve')
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Approve the reviewed definition of an item', response: 'DefinedItem' })
  async approve(
    @Param('server') server: string,
    @Param('name') name: string,
    @Body() { digest }: Approval,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ItemDefinitionResponse> {
    await this.requireItem(server, name);
    if (!(await this.items.approve({ server, kind: this.kind, name }, digest))) {
      throw new ConflictException(
        'The definition has changed since it was reviewed. Read it again, then approve its seenDigest.',
      );
    }
    return this.replyWith(reply, await this.requireItem(server, name));
  }

  @Post(':server/:name/enable')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Enable an item', response: 'DefinedItem' })
  enable(
    @Param('server') server: string,
    @Param('name') name: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ItemDefinitionResponse> {
    return this.change(reply, { server, name, ifMatch }, (stored) => ({ ...stored, isDisabled: false }));
  }

  @Post(':server/:name/disable')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Disable an item for all clients', response: 'DefinedItem' })
  disable(
    @Param('server') server: string,
    @Param('name') name: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ItemDefinitionResponse> {
    return this.change(reply, { server, name, ifMatch }, (stored) => ({ ...stored, isDisabled: true }));
  }

  /** Sets the name and the description that all clients see. The URI of a resource does not change. */
  @Put(':server/:name/presentation')
  @RequireRoles(['admin'])
  @DescribeRoute({ summary: 'Set the name and the description of an item that clients see', response: 'DefinedItem' })
  updatePresentation(
    @Param('server') server: string,
    @Param('name') name: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() { name: shownName, description: shownDescription }: ItemPresentation,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ItemDefinitionResponse> {
    const isRenamed = shownName !== undefined && shownName !== name;
    const texts = { ...(isRenamed && { shownName }), ...(shownDescription !== undefined && { shownDescription }) };
    return this.change(reply, { server, name, ifMatch }, ({ isDisabled }) => ({ isDisabled, ...texts }));
  }

  private async change(
    reply: FastifyReply,
    { server, name, ifMatch = ANY_VERSION }: ChangedItem,
    decide: (stored: KnownItem) => ItemOverrides,
  ): Promise<ItemDefinitionResponse> {
    // Stores what this worker has observed but not written yet.
    await this.requireItem(server, name);
    try {
      const changed = await this.items.setOverrides({ server, kind: this.kind, name }, (stored) => {
        requireMatch(ifMatch, versionOf(stored));
        return decide(stored);
      });
      if (!changed) throw new ResourceNotFound('The item');
      return this.replyWith(reply, changed);
    } catch (cause) {
      throw cause instanceof ShownNameTaken ? new UnprocessableEntityException(cause.message) : cause;
    }
  }

  private replyWith(reply: FastifyReply, item: DefinedItem): ItemDefinitionResponse {
    void reply.header('etag', entityTag(versionOf(item)));
    return this.toDefinitionResponse(item);
  }

  private toDefinitionResponse({ approved, seen, ...known }: DefinedItem): ItemDefinitionResponse {
    const response = this.toResponse(known, indexSimilarNames(this.items.list(this.kind)));
    return { ...response, approved, seen, differences: findDifferences(approved, seen) };
  }

  private async requireItem(server: string, name: string): Promise<DefinedItem> {
    const item = await this.items.find({ server, kind: this.kind, name });
    if (!item) throw new ResourceNotFound('The item');
    return item;
  }

  private toResponse(
    { firstSeenAt, changedAt, flags, identity, ...item }: KnownItem,
    similarNames: ServersByName,
  ): ItemResponse {
    const others = (similarNames.get(toNameKey(item.name)) ?? []).filter((server) => server !== item.server);
    const shadowed = others.length > 0 ? [`its name resembles an item of ${others.slice(0, 5).join(', ')}.`] : [];
    return {
      ...item,
      ...this.findChangedName(item),
      flags: [...flags, ...shadowed],
      status: this.items.statusOf({ ...item, identity, firstSeenAt, changedAt, flags }),
      firstSeenAt: firstSeenAt.toISOString(),
      changedAt: changedAt.toISOString(),
    };
  }

  private findChangedName({ server: slug, name, shownName = name }: ItemName): Pick<ItemResponse, 'publicName'> {
    const whole = this.endpoints.find();
    if (!whole || (this.kind !== 'tools' && this.kind !== 'prompts')) return {};
    const publicName = toPublicName(whole, { slug }, shownName);
    return publicName === addNamePrefix({ slug }, shownName) ? {} : { publicName };
  }
}

/** A digest of what admins and the server may change of an item. */
function versionOf({ approvedDigest, seenDigest, isDisabled, shownName, shownDescription }: KnownItem): string {
  const parts = [approvedDigest, seenDigest, isDisabled, shownName, shownDescription];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

type ItemName = Pick<KnownItem, 'server' | 'name' | 'shownName'>;

type ServersByName = ReadonlyMap<string, readonly string[]>;

/** A model may confuse names that differ only in case and separators, so these are equal here. */
const toNameKey = (name: string): string => name.toLowerCase().replaceAll(/[-_.]/g, '');

/** Indexes servers by the normalized names of their items, to find items that resemble those of other servers. */
function indexSimilarNames(items: readonly KnownItem[]): ServersByName {
  const servers = new Map<string, string[]>();
  for (const { server, name } of items) {
    const known = servers.get(toNameKey(name));
    if (known) known.push(server);
    else servers.set(toNameKey(name), [server]);
  }
  return servers;
}

function matches(item: ItemResponse, query: ItemQuery): boolean {
  const { server, name, shownName = '', status, flags, isDisabled } = item;
  if (query.server !== undefined && query.server !== server) return false;
  if (query.status !== undefined && query.status !== status) return false;
  if (query.flagged !== undefined && query.flagged !== flags.length > 0) return false;
  if (query.disabled !== undefined && query.disabled !== isDisabled) return false;
  return query.q === undefined || `${name}\n${shownName}`.toLowerCase().includes(query.q.toLowerCase());
}
