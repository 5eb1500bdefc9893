import { type LimitDefinition, LimitEntry, RegistryStore } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { HoldsEntries } from '../openapi/described.js';
import { EntriesController } from './entries.controller.js';

/** Rate limits and concurrency limits. */
@AdminController('limits')
@HoldsEntries({ name: 'Limit', forms: [LimitEntry] })
export class LimitsController extends EntriesController<LimitDefinition> {
  constructor(store: RegistryStore) {
    super('limits', store.limits);
  }
}
