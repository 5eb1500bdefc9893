import { RegistryStore, type TeamDefinition, TeamEntry } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { DescribeEntries } from '../openapi/route-description.js';
import { EntriesController } from './entries.controller.js';

/** Teams of principals that share servers and roles. */
@AdminController('teams')
@DescribeEntries({ name: 'Team', classes: [TeamEntry] })
export class TeamsController extends EntriesController<TeamDefinition> {
  constructor(store: RegistryStore) {
    super('teams', store.teams);
  }
}
