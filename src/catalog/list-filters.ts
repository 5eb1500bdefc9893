import { Injectable, type OnModuleInit } from '@nestjs/common';
import {
  LIST_FILTERS,
  toGuardedServer,
  type Caller,
  type ContributionOptions,
  type GuardedServer,
  type ItemUse,
  type ListFilter,
  type ViewedItem,
} from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  Contributions,
  ExtensionFailures,
  runAsExtension,
  toPlainJson,
  type Contribution,
} from '../extensions/index.js';
import type { Endpoint } from './endpoint.js';

type Filter = Contribution<ListFilter, ContributionOptions>;

/** The list filters of extensions. Whatever one of them does wrong hides an item, and never shows one. */
@Injectable()
export class ListFilters implements OnModuleInit {
  private filters: readonly Filter[] | undefined;

  constructor(
    private readonly contributions: Contributions,
    private readonly failures: ExtensionFailures,
  ) {}

  /** @throws ExtensionFault for a filter that cannot be used */
  onModuleInit(): void {
    this.filters = this.contributions.of(LIST_FILTERS);
  }

  /** True if no caller can see less than the policies allow. */
  get isEmpty(): boolean {
    return this.all.length === 0;
  }

  /** Returns the endpoint without what filters hide from the caller: the same object when no filter concerns the caller there. */
  apply(endpoint: Endpoint, caller: Caller): Endpoint {
    if (this.isEmpty) return endpoint;
    const views = new Map<string, ServerView>();
    for (const server of endpoint.servers.map(toGuardedServer)) {
      const filters = this.all.filter((filter) => this.concerns(filter, caller, server));
      if (filters.length > 0) views.set(server.slug, { server, filters });
    }
    return views.size === 0 ? endpoint : this.toFiltered(endpoint, caller, views);
  }

  /** Another module may need an endpoint in its own `onModuleInit`, before that of this class. */
  private get all(): readonly Filter[] {
    return (this.filters ??= this.contributions.of(LIST_FILTERS));
  }

  private toFiltered(endpoint: Endpoint, caller: Caller, views: ReadonlyMap<string, ServerView>): Endpoint {
    const hiddenBy = (use: ItemUse): string | undefined => {
      const view = views.get(use.server.slug);
      return view && this.findHiding(view.filters, toViewedItem(use, caller, view.server))?.name;
    };
    return {
      ...endpoint,
      isUnrestricted: false,
      showsAll: () => false,
      shows: (use) => endpoint.shows(use) && hiddenBy(use) === undefined,
      filter: {
        hiddenBy,
        describe: (definition, use) => {
          const view = views.get(use.server.slug);
          if (view === undefined) return definition;
          return this.describe(view.filters, definition, toViewedItem(use, caller, view.server));
        },
      },
    };
  }

  private concerns({ instance, name }: Filter, caller: Caller, server: GuardedServer): boolean {
    try {
      const concerns: unknown = runAsExtension(name, () => instance.concerns(caller, server));
      return concerns !== false;
    } catch (cause) {
      this.report(name, cause);
      return true;
    }
  }

  private findHiding(filters: readonly Filter[], item: ViewedItem): Filter | undefined {
    return filters.find((filter) => this.hides(filter, item));
  }

  private hides({ instance, name }: Filter, item: ViewedItem): boolean {
    try {
      const hides: unknown = runAsExtension(name, () => instance.hides(item));
      if (typeof hides === 'boolean') return hides;
      void Promise.resolve(hides).catch(() => undefined);
      this.report(name, 'hides returned no boolean. The item is hidden.');
    } catch (cause) {
      this.report(name, cause);
    }
    return true;
  }

  private describe(filters: readonly Filter[], definition: JsonObject, item: ViewedItem): JsonObject | undefined {
    let described: JsonObject | undefined = definition;
    for (const filter of filters) described &&= this.describeBy(filter, described, item);
    return described;
  }

  private describeBy({ instance, name }: Filter, definition: JsonObject, item: ViewedItem): JsonObject | undefined {
    if (instance.describe === undefined) return definition;
    try {
      const copy = toPlainJson(definition);
      const described = toPlainJson(runAsExtension(name, () => instance.describe?.(copy, item)));
      const member = identifyingMember(item);
      if (described[member] === definition[member]) return described;
      this.report(name, `describe changed the ${member} of an item. The list omits the item.`);
    } catch (cause) {
      this.report(name, cause);
    }
    return undefined;
  }

  private report(name: string, cause: unknown): void {
    this.failures.report(`${name}, a list filter`, cause);
  }
}

/** A server as filters see it, with those that concern the caller there. */
interface ServerView {
  readonly server: GuardedServer;
  readonly filters: readonly Filter[];
}

function toViewedItem({ args: _args, ...use }: ItemUse, caller: Caller, server: GuardedServer): ViewedItem {
  return Object.freeze({ ...use, server, caller });
}

function identifyingMember({ kind, isTemplate }: ViewedItem): string {
  if (kind !== 'resources') return 'name';
  return isTemplate === true ? 'uriTemplate' : 'uri';
}
