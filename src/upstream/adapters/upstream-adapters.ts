import { UPSTREAM_ADAPTERS, type UpstreamAdapter, type UpstreamAdapterOptions } from '#lib/extension-kit';
import { ExtensionFault, type Contribution } from '../../extensions/index.js';
import type { ServerKinds } from '../../registry/index.js';
import type { UpstreamServices } from '../upstream-services.js';
import { HttpAdapter } from './http-adapter.js';
import { OwnAdapter } from './own-adapter.js';
import { RestAdapter } from './rest-adapter.js';
import { SseAdapter } from './sse-adapter.js';
import { StdioAdapter } from './stdio-adapter.js';

/** The adapters of the gateway itself. */
export const OWN_ADAPTERS = [HttpAdapter, SseAdapter, StdioAdapter, RestAdapter] as const;

type AdapterTable = ReadonlyMap<string, UpstreamAdapter<never>>;

/** The adapter of each kind of server. */
export class UpstreamAdapters {
  private table: AdapterTable | undefined;

  /**
   * @param read returns the table; called once, at the first use, when all adapters exist
   * @param shared adapters that belong to another table, which evicts and ends them
   */
  constructor(
    private readonly read: () => AdapterTable,
    private readonly shared?: UpstreamAdapters,
  ) {}

  /** The adapters of the gateway itself, without those of extensions. */
  static own(services: UpstreamServices): UpstreamAdapters {
    return new UpstreamAdapters(
      () => new Map(OWN_ADAPTERS.map((Adapter) => [kindOfAdapter(Adapter), new Adapter(services)])),
    );
  }

  get all(): AdapterTable {
    this.table ??= this.read();
    return this.table;
  }

  find(kind: string): UpstreamAdapter | undefined {
    return this.all.get(kind);
  }

  /** The adapters that belong to this table. */
  get owned(): readonly UpstreamAdapter<never>[] {
    const others = new Set(this.shared?.all.values());
    return [...this.all.values()].filter((adapter) => !others.has(adapter));
  }

  get childProcesses(): number {
    return this.owned.reduce((sum, each) => sum + (each instanceof OwnAdapter ? each.childProcesses : 0), 0);
  }

  /** Adapters that share no cached state with these. */
  isolated(services: UpstreamServices): UpstreamAdapters {
    const copy = (adapter: UpstreamAdapter<never>) =>
      adapter instanceof OwnAdapter ? adapter.isolated(services) : adapter.isolated();
    return new UpstreamAdapters(() => new Map([...this.all].map(([kind, adapter]) => [kind, copy(adapter)])), this);
  }
}

/**
 * The table of the adapters that modules contribute.
 *
 * @throws ExtensionFault for one whose kind the registry did not know when it read the configuration
 */
export function toAdapterTable(
  contributions: readonly Contribution<UpstreamAdapter, UpstreamAdapterOptions>[],
  kinds: ServerKinds,
): AdapterTable {
  for (const { name, module, options } of contributions) {
    if (kinds.find(options.kind)) continue;
    throw new ExtensionFault(
      `${name} of the module ${module}, which connects servers of the kind "${options.kind}", is provided under another token. ` +
        `Provide it under its class: \`providers: [${name}]\`, or \`{ provide: ${name}, useFactory: … }\`.`,
    );
  }
  return new Map(contributions.map(({ options, instance }) => [options.kind, instance]));
}

const kindOfAdapter = (type: (typeof OWN_ADAPTERS)[number]): string => UPSTREAM_ADAPTERS.optionsOf(type)?.kind ?? '';
