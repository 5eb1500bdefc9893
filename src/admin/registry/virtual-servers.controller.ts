import { RegistryStore, type VirtualServerDefinition } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { EntriesController } from './entries.controller.js';

/** Endpoints that are put together from several servers. */
@AdminController('virtual-servers')
export class VirtualServersController extends EntriesController<VirtualServerDefinition> {
  constructor(store: RegistryStore) {
    super('virtual-servers', store.virtualServers);
  }
}
