import { SystemClock } from '#lib/time';
import { CatalogConfig, EndpointDirectory } from '../../src/catalog/index.js';
import { ListFilters } from '../../src/catalog/testing.js';
import { ExtensionFailures, type Contributions } from '../../src/extensions/index.js';
import { Memberships } from '../../src/memberships/index.js';
import { ConfiguredAccessPolicy } from '../../src/policy/index.js';
import type { ServerRegistry } from '../../src/registry/index.js';

const NO_CONTRIBUTIONS = { of: () => [] } as unknown as Contributions;

/** The endpoints of a configuration, filtered by its policies. */
export const endpointsOf = (registry: ServerRegistry): EndpointDirectory =>
  new EndpointDirectory(
    registry,
    new ConfiguredAccessPolicy(registry),
    new Memberships(registry),
    new CatalogConfig(),
    new ListFilters(NO_CONTRIBUTIONS, new ExtensionFailures(new SystemClock())),
  );
