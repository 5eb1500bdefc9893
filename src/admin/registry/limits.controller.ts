import { RegistryStore, type LimitDefinition } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { EntriesController } from './entries.controller.js';

/** How often callers may call, and how often at once. */
@AdminController('limits')
export class LimitsController extends EntriesController<LimitDefinition> {
  constructor(store: RegistryStore) {
    super('limits', store.limits);
  }
}
