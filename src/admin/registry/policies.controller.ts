import { RegistryStore, type PolicyDefinition } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { EntriesController } from './entries.controller.js';

/** Rules about who may use what. */
@AdminController('policies')
export class PoliciesController extends EntriesController<PolicyDefinition> {
  constructor(store: RegistryStore) {
    super('policies', store.policies);
  }
}
