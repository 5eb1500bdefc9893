import { type LimitDefinition, LimitEntry, RegistryStore } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { DescribeEntries } from '../openapi/route-description.js';
import { EntriesController } from './entries.controller.js';

/** Rate limits and concurrency limits. */
@AdminController('limits')
@DescribeEntries({ name: 'Limit', classes: [LimitEntry] })
export class LimitsController extends EntriesController<LimitDefinition> {
  constructor(store: RegistryStore) {
    super('limits', store.limits);
  }
}
