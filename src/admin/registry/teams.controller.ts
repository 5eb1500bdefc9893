import { RegistryStore, type TeamDefinition } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { EntriesController } from './entries.controller.js';

/** People who share what they may use. */
@AdminController('teams')
export class TeamsController extends EntriesController<TeamDefinition> {
  constructor(store: RegistryStore) {
    super('teams', store.teams);
  }
}
