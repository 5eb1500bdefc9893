import type { Migration } from '../migration.js';

/** Roles that the maker of a personal access token had by teams only: with the team they go. Null: none. */
export const teamRoles: Migration = {
  name: '0007-team-roles',
  async up(schema, column) {
    await schema.schema.alterTable('access_tokens').addColumn('team_roles', column.json).execute();
  },
};
