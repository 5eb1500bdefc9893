import { CatalogConfig, EndpointDirectory } from '../../src/catalog/index.js';
import { Memberships } from '../../src/memberships/index.js';
import { ConfiguredAccessPolicy } from '../../src/policy/index.js';
import type { ServerRegistry } from '../../src/registry/index.js';

/** The endpoints of a configuration, filtered by its policies. */
export const endpointsOf = (registry: ServerRegistry): EndpointDirectory =>
  new EndpointDirectory(registry, new ConfiguredAccessPolicy(registry), new Memberships(registry), new CatalogConfig());
