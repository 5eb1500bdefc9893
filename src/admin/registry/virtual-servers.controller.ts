import { RegistryStore, type VirtualServerDefinition, VirtualServerEntry } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { HoldsEntries } from '../openapi/described.js';
import { EntriesController } from './entries.controller.js';

/** Virtual servers: endpoints over a selection of servers. */
@AdminController('virtual-servers')
@HoldsEntries({ name: 'VirtualServer', forms: [VirtualServerEntry] })
export class VirtualServersController extends EntriesController<VirtualServerDefinition> {
  constructor(store: RegistryStore) {
    super('virtual-servers', store.virtualServers);
  }
}
