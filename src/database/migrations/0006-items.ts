import { sql } from 'kysely';
import type { Migration } from '../migration.js';

/** Tools, prompts, resources and templates as their servers define them: the approved definition and the latest one. */
export const items: Migration = {
  name: '0006-items',
  async up(schema, column) {
    await schema.schema
      .createTable('items')
      .addColumn('server', 'text', (server) => server.notNull())
      // The member of a list result that contains them: tools, prompts, …
      .addColumn('kind', 'text', (kind) => kind.notNull())
      // Name, URI or URI template.
      .addColumn('name', 'text', (name) => name.notNull())
      .addColumn('approved', column.json, (approved) => approved.notNull())
      .addColumn('approved_digest', 'text', (digest) => digest.notNull())
      .addColumn('seen', column.json, (seen) => seen.notNull())
      .addColumn('seen_digest', 'text', (digest) => digest.notNull())
      .addColumn('flags', column.json, (flags) => flags.notNull())
      .addColumn('is_disabled', column.boolean, (isDisabled) => isDisabled.notNull())
      // Name and description that an admin set instead of those of the server.
      .addColumn('shown_name', 'text')
      .addColumn('shown_description', 'text')
      .addColumn('first_seen_at', column.instant, (at) => at.notNull())
      .addColumn('changed_at', column.instant, (at) => at.notNull())
      .addPrimaryKeyConstraint('items_key', ['server', 'kind', 'name'])
      .execute();
    await schema.schema
      .createTable('item_state')
      .addColumn('id', 'integer', (id) => id.primaryKey())
      .addColumn('revision', 'integer', (revision) => revision.notNull())
      .execute();
    await sql`insert into item_state (id, revision) values (1, 0)`.execute(schema);
  },
};
