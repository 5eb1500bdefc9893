import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ANONYMOUS, ListFilter, type JsonObject, type ViewedItem } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';
import { ExtensionFailures, type Contributions } from '../extensions/index.js';
import { Memberships } from '../memberships/index.js';
import { ConfiguredAccessPolicy } from '../policy/index.js';
import { CatalogConfig } from './catalog.config.js';
import { EndpointDirectory } from './endpoint-directory.js';
import { ListFilters } from './list-filters.js';

const server = remoteServer('bank', { public: true });
const use = { server, kind: 'tools', name: 'pay' } as const;

let lines: string[];

beforeEach(() => {
  lines = [];
  jest.spyOn(Logger.prototype, 'error').mockImplementation((line: unknown) => void lines.push(String(line)));
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** The endpoint of a public server with these filters, whole and for a caller without a token. */
function endpointsWith(...filters: ListFilter[]) {
  const found = filters.map((instance) => ({ instance, options: {}, name: instance.constructor.name, module: 'Acme' }));
  const contributions = { of: () => found } as unknown as Contributions;
  const registry = new FakeRegistry([server]);
  const directory = new EndpointDirectory(
    registry,
    new ConfiguredAccessPolicy(registry),
    new Memberships(registry),
    new CatalogConfig(),
    new ListFilters(contributions, new ExtensionFailures(new ManualClock())),
  );
  return { whole: directory.find('bank'), seen: directory.findFor(ANONYMOUS, 'bank') };
}

class Showing extends ListFilter {
  readonly items: ViewedItem[] = [];
  override hides(item: ViewedItem): boolean {
    this.items.push(item);
    return false;
  }
}
class Unconcerned extends Showing {
  override concerns(): boolean {
    return false;
  }
}
class First extends Showing {
  override describe(definition: JsonObject): JsonObject {
    return { ...definition, title: 'first' };
  }
}
class Second extends Showing {
  override describe(definition: JsonObject): JsonObject {
    return { ...definition, title: `${JSON.stringify(definition['title'])}, second` };
  }
}
class Renaming extends Showing {
  override describe(definition: JsonObject): JsonObject {
    return { ...definition, name: 'other' };
  }
}

describe('ListFilters', () => {
  it('leave an endpoint as it is without a filter, and its results public', () => {
    const { whole, seen } = endpointsWith();
    expect(seen).toBe(whole);
    expect(whole?.isUnrestricted).toBe(true);
  });

  it('make no result public where a filter may hide items from another caller', () => {
    const { whole, seen } = endpointsWith(new Unconcerned());
    expect(seen).toBe(whole);
    expect(seen?.isUnrestricted).toBe(false);
  });

  it('show a filter the use without its arguments, frozen, and the server without its settings', () => {
    const filter = new Showing();
    expect(endpointsWith(filter).seen?.shows({ ...use, args: { amount: 4711 } })).toBe(true);
    const [item] = filter.items;
    expect(item).toEqual({ ...use, server: { slug: 'bank' }, caller: ANONYMOUS });
    expect([Object.isFrozen(item), Object.isFrozen(item?.server)]).toEqual([true, true]);
  });

  it('describe an item by each filter in turn', () => {
    const definition = { name: 'pay' };
    const described = endpointsWith(new First(), new Second()).seen?.filter?.describe(definition, use);
    expect(described).toEqual({ name: 'pay', title: '"first", second' });
    expect(definition).toEqual({ name: 'pay' });
  });

  it('omit an item whose description has another name, and name the filter', () => {
    const { seen } = endpointsWith(new First(), new Renaming());
    expect(seen?.filter?.describe({ name: 'pay' }, use)).toBeUndefined();
    expect(lines).toEqual(['Failure of Renaming, a list filter']);
  });
});
