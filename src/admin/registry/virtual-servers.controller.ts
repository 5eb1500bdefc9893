import { RegistryStore, type VirtualServerDefinition, VirtualServerEntry } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { DescribeEntries } from '../openapi/route-description.js';
import { EntriesController } from './entries.controller.js';

/** Endpoints that are put together from several servers. */
@AdminController('virtual-servers')
@DescribeEntries({ name: 'VirtualServer', classes: [VirtualServerEntry] })
export class VirtualServersController extends EntriesController<VirtualServerDefinition> {
  constructor(store: RegistryStore) {
    super('virtual-servers', store.virtualServers);
  }
}
