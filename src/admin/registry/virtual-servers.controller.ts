import { RegistryStore, type VirtualServerDefinition, VirtualServerEntry } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { DescribeEntries } from '../openapi/route-description.js';
import { EntriesController } from './entries.controller.js';

/** Virtual servers: endpoints over a selection of servers. */
@AdminController('virtual-servers')
@DescribeEntries({ name: 'VirtualServer', classes: [VirtualServerEntry] })
export class VirtualServersController extends EntriesController<VirtualServerDefinition> {
  constructor(store: RegistryStore) {
    super('virtual-servers', store.virtualServers);
  }
}
