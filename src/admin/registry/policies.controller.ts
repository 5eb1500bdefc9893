import { type PolicyDefinition, PolicyEntry, RegistryStore } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { HoldsEntries } from '../openapi/described.js';
import { EntriesController } from './entries.controller.js';

/** Access policies. */
@AdminController('policies')
@HoldsEntries({ name: 'Policy', forms: [PolicyEntry] })
export class PoliciesController extends EntriesController<PolicyDefinition> {
  constructor(store: RegistryStore) {
    super('policies', store.policies);
  }
}
