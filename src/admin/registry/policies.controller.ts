import { type PolicyDefinition, PolicyEntry, RegistryStore } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { DescribeEntries } from '../openapi/route-description.js';
import { EntriesController } from './entries.controller.js';

/** Access policies. */
@AdminController('policies')
@DescribeEntries({ name: 'Policy', classes: [PolicyEntry] })
export class PoliciesController extends EntriesController<PolicyDefinition> {
  constructor(store: RegistryStore) {
    super('policies', store.policies);
  }
}
