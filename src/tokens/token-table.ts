import { sql, type Transaction } from 'kysely';
import {
  readInstant,
  readJson,
  writeJson,
  type Database,
  type StoredInstant,
  type StoredJson,
} from '../database/index.js';
import type { AccessToken } from './access-token.js';

/** Tables of migrations 0003-access-tokens and 0007-team-roles. */
type TokenTables = {
  access_tokens: {
    id: string;
    digest: string;
    title: string;
    issuer: string;
    subject: string;
    roles: StoredJson;
    team_roles: StoredJson | null;
    teams: StoredJson;
    scopes: StoredJson;
    /** Identities. */
    servers: StoredJson | null;
    created_at: StoredInstant;
    created_by: string;
    expires_at: StoredInstant;
    last_used_at: StoredInstant | null;
  };
  access_token_state: { id: number; revision: number };
};

export interface StoredToken {
  readonly token: AccessToken;
  readonly digest: string;
}

interface InsertOptions {
  /** Maximum number of tokens of the subject. */
  readonly max: number;
  /** Ids of tokens that expired before their stored expiry. */
  readonly expired: readonly string[];
}

/** SQLite limits the parameters of a statement. The next insert deletes the rest. */
const MAX_IDS_PER_STATEMENT = 500;

/** Repository of personal access tokens. Every method may throw DatabaseUnavailable. */
export class TokenTable {
  constructor(private readonly database: Database) {}

  private get tables() {
    return this.database.tables<TokenTables>();
  }

  /** Returns a number that increases whenever a token is created or revoked. */
  async readRevision(): Promise<number> {
    return (await this.tables.selectFrom('access_token_state').select('revision').executeTakeFirstOrThrow()).revision;
  }

  async readAll(): Promise<readonly StoredToken[]> {
    const rows = await this.tables.selectFrom('access_tokens').selectAll().orderBy('id').execute();
    return rows.map(
      ({
        digest,
        roles,
        team_roles,
        teams,
        scopes,
        servers,
        created_at,
        created_by,
        expires_at,
        last_used_at,
        ...row
      }) => ({
        digest,
        token: {
          ...row,
          roles: readJson(roles) as string[],
          ...(team_roles !== null && { teamRoles: readJson(team_roles) as string[] }),
          teams: readJson(teams) as string[],
          scopes: readJson(scopes) as string[],
          ...(servers !== null && toServers(readJson(servers) as string[])),
          createdAt: readInstant(created_at),
          createdBy: created_by,
          expiresAt: readInstant(expires_at),
          ...(last_used_at !== null && { lastUsedAt: readInstant(last_used_at) }),
        },
      }),
    );
  }

  /** Deletes expired tokens, then inserts the token. Returns false when its subject already has `max` tokens. */
  insert({ token, digest }: StoredToken, { max, expired }: InsertOptions): Promise<boolean> {
    return this.change(async (tables) => {
      await tables
        .deleteFrom('access_tokens')
        .where((is) =>
          is.or([
            is('expires_at', '<=', token.createdAt),
            ...(expired.length > 0 ? [is('id', 'in', expired.slice(0, MAX_IDS_PER_STATEMENT))] : []),
          ]),
        )
        .execute();
      const { count } = await tables
        .selectFrom('access_tokens')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where('issuer', '=', token.issuer)
        .where('subject', '=', token.subject)
        .executeTakeFirstOrThrow();
      if (Number(count) >= max) return false;
      const {
        id,
        title,
        issuer,
        subject,
        roles,
        teamRoles,
        teams,
        scopes,
        servers,
        serverIdentities = servers,
      } = token;
      const row = {
        id,
        digest,
        title,
        issuer,
        subject,
        roles: writeJson([...roles]),
        team_roles: teamRoles ? writeJson([...teamRoles]) : null,
        teams: writeJson([...teams]),
        scopes: writeJson([...scopes]),
        servers: serverIdentities ? writeJson([...serverIdentities]) : null,
        created_at: token.createdAt,
        created_by: token.createdBy,
        expires_at: token.expiresAt,
        last_used_at: null,
      };
      await tables.insertInto('access_tokens').values(row).execute();
      return true;
    });
  }

  /** Returns false when there was no such token. */
  delete(id: string): Promise<boolean> {
    return this.change(async (tables) => {
      const { numDeletedRows } = await tables.deleteFrom('access_tokens').where('id', '=', id).executeTakeFirst();
      return numDeletedRows > 0n;
    });
  }

  /** Returns the ids of the deleted tokens. */
  deleteAll({ issuer, subject }: { readonly issuer: string; readonly subject: string }): Promise<readonly string[]> {
    return this.change(async (tables) => {
      const rows = await tables
        .deleteFrom('access_tokens')
        .where('issuer', '=', issuer)
        .where('subject', '=', subject)
        .returning('id')
        .execute();
      return rows.map(({ id }) => id).toSorted();
    });
  }

  async recordUse(id: string, at: Date): Promise<void> {
    await this.tables
      .updateTable('access_tokens')
      .set({ last_used_at: at })
      .where('id', '=', id)
      .where((is) => is.or([is('last_used_at', 'is', null), is('last_used_at', '<', at)]))
      .execute();
  }

  private change<R>(work: (tables: Transaction<TokenTables>) => Promise<R>): Promise<R> {
    return this.database.runExclusively<TokenTables, R>('access-tokens', async (tables) => {
      const result = await work(tables);
      await tables
        .updateTable('access_token_state')
        .set({ revision: sql<number>`revision + 1` })
        .execute();
      return result;
    });
  }
}

/** An identity is the slug, or the slug with a suffix. */
const toServers = (serverIdentities: readonly string[]): Pick<AccessToken, 'servers' | 'serverIdentities'> => ({
  servers: serverIdentities.map((identity) => identity.split('@', 1)[0] ?? identity),
  serverIdentities,
});
