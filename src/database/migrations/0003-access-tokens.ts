import { sql } from 'kysely';
import type { Migration } from '../migration.js';

/** Personal access tokens, with digests instead of secrets. The revision in `access_token_state` makes change detection cheap. */
export const accessTokens: Migration = {
  name: '0003-access-tokens',
  async up(schema, column) {
    await schema.schema
      .createTable('access_tokens')
      .addColumn('id', 'text', (id) => id.primaryKey())
      .addColumn('digest', 'text', (digest) => digest.notNull())
      .addColumn('title', 'text', (title) => title.notNull())
      .addColumn('issuer', 'text', (issuer) => issuer.notNull())
      .addColumn('subject', 'text', (subject) => subject.notNull())
      .addColumn('roles', column.json, (roles) => roles.notNull())
      .addColumn('teams', column.json, (teams) => teams.notNull())
      .addColumn('scopes', column.json, (scopes) => scopes.notNull())
      // Null: all.
      .addColumn('servers', column.json)
      .addColumn('created_at', column.instant, (at) => at.notNull())
      .addColumn('created_by', 'text', (by) => by.notNull())
      .addColumn('expires_at', column.instant, (at) => at.notNull())
      .addColumn('last_used_at', column.instant)
      .execute();
    await schema.schema
      .createTable('access_token_state')
      .addColumn('id', 'integer', (id) => id.primaryKey())
      .addColumn('revision', 'integer', (revision) => revision.notNull())
      .execute();
    await sql`insert into access_token_state (id, revision) values (1, 0)`.execute(schema);
  },
};
