import type { Migration } from '../migration.js';

/** Roles that the creator of a personal access token had through teams only; they are lost with the team. Null: none. */
export const teamRoles: Migration = {
  name: '0007-team-roles',
  async up(schema, column) {
    await schema.schema.alterTable('access_tokens').addColumn('team_roles', column.json).execute();
  },
};
