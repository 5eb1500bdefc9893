import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { sql, type Kysely } from 'kysely';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { CipherRing } from '#lib/sealing';
import { Clock } from '#lib/time';
import { DataFolder } from '../../data-folder/index.js';
import { Database, readInstant, type StoredInstant } from '../../database/index.js';

/** Tables of migration 0004-idempotency-keys. */
type KeyTables = {
  idempotency_keys: {
    id: string;
    /** Digests of the caller and of the request, separated by a dot. */
    request: string;
    state: 'running' | 'unknown' | 'done';
    started_at: StoredInstant;
    answer: string | null;
  };
};

/** A response to replay. */
export interface StoredResponse {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonValue;
}

/**
 * The state of an idempotency key. `new`: it was acquired for this request. `other-request`: it was used for another request.
 * `running`: its request is in progress. `unknown`: the outcome of its request is unknown. `too-many`: its
 * caller has the maximum number of keys. Otherwise: the response to replay.
 */
export type KeyState = 'new' | 'other-request' | 'running' | 'unknown' | 'too-many' | StoredResponse;

/** How long a key is stored. */
const RETENTION_MS = 24 * 3_600_000;
/** Maximum number of keys of one caller. */
const MAX_KEYS_PER_CALLER = 1_000;
/** Maximum length of a stored response as JSON. The outcome of a request with a longer one is stored as unknown. */
const MAX_RESPONSE_LENGTH = 1024 * 1024;
/** No request takes longer. A request that has not ended by then died with its worker. */
const REQUEST_TIMEOUT_MS = 60_000;
const LABEL = 'isthmus idempotency 1';

/** Stores responses of the admin API by idempotency key. Every method may throw DatabaseUnavailable. */
@Injectable()
export class IdempotencyStore {
  private readonly ring: CipherRing;

  constructor(
    private readonly database: Database,
    folder: DataFolder,
    private readonly clock: Clock,
  ) {
    this.ring = new CipherRing(folder.secrets.credentials, LABEL);
  }

  /** Acquires the key for a request of a caller unless it was used before. All three are digests. */
  acquire(id: string, request: string, caller: string): Promise<KeyState> {
    return this.database.runExclusively<KeyTables, KeyState>('idempotency-keys', async (tables) => {
      const now = this.clock.now();
      await tables
        .deleteFrom('idempotency_keys')
        .where('started_at', '<', new Date(now - RETENTION_MS))
        .execute();
      const stored = await tables.selectFrom('idempotency_keys').selectAll().where('id', '=', id).executeTakeFirst();
      if (!stored) {
        if ((await countKeys(tables, caller)) >= MAX_KEYS_PER_CALLER) return 'too-many';
        const row = {
          id,
          request: `${caller}.${request}`,
          state: 'running',
          started_at: new Date(now),
          answer: null,
        } as const;
        await tables.insertInto('idempotency_keys').values(row).execute();
        return 'new';
      }
      // Earlier versions stored no caller.
      if (stored.request.split('.').at(-1) !== request) return 'other-request';
      if (stored.state === 'done') return this.decrypt(id, stored.answer);
      const isLost = stored.state === 'unknown' || now - readInstant(stored.started_at).getTime() > REQUEST_TIMEOUT_MS;
      return isLost ? 'unknown' : 'running';
    });
  }

  /** Stores the encrypted response of the request. */
  async complete(id: string, response: StoredResponse): Promise<void> {
    const text = JSON.stringify(response);
    if (text.length > MAX_RESPONSE_LENGTH) return this.markUnknown(id);
    const encrypted = this.ring.encrypt(text, id);
    await this.tables
      .updateTable('idempotency_keys')
      .set({ state: 'done', answer: encrypted })
      .where('id', '=', id)
      .execute();
  }

  /** Releases the key of a request that had no effect. */
  async release(id: string): Promise<void> {
    await this.tables.deleteFrom('idempotency_keys').where('id', '=', id).execute();
  }

  /** Marks the outcome of the request as unknown. */
  async markUnknown(id: string): Promise<void> {
    await this.tables.updateTable('idempotency_keys').set({ state: 'unknown' }).where('id', '=', id).execute();
  }

  private get tables() {
    return this.database.tables<KeyTables>();
  }

  /** A response that was encrypted with a removed secret is lost, so its outcome is unknown. */
  private decrypt(id: string, encrypted: string | null): KeyState {
    const opened = this.ring.decrypt(encrypted, id);
    return opened ? (JSON.parse(opened.text) as JsonObject & StoredResponse) : 'unknown';
  }
}

async function countKeys(tables: Kysely<KeyTables>, caller: string): Promise<number> {
  const prefix = `${caller}.`;
  const { count } = await tables
    .selectFrom('idempotency_keys')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where(sql`substr(request, 1, ${sql.lit(prefix.length)})`, '=', prefix)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export const toDigest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
