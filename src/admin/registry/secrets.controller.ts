import { RegistryStore, type SecretDefinition, SecretEntry } from '../../registry/index.js';
import { AdminController } from '../admin-route.js';
import { DescribeEntries } from '../openapi/route-description.js';
import { EntriesController } from './entries.controller.js';

/** Named secrets, whose values are never returned. */
@AdminController('secrets')
@DescribeEntries({ name: 'Secret', classes: [SecretEntry] })
export class SecretsController extends EntriesController<SecretDefinition> {
  constructor(store: RegistryStore) {
    super('secrets', store.secrets);
  }
}
