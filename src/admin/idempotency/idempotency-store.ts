import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { CipherRing } from '#lib/sealing';
import { Clock } from '#lib/time';
import { DataFolder } from '../../data-folder/index.js';
import { Database, readInstant, type StoredInstant } from '../../database/index.js';

/** Tables of migration 0004-idempotency-keys. */
type KeyTables = {
  idempotency_keys: {
    id: string;
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
 * `running`: its request is in progress. `unknown`: the outcome of its request is unknown. Otherwise: the response to replay.
 */
export type KeyState = 'new' | 'other-request' | 'running' | 'unknown' | StoredResponse;

/** How long a key is stored. */
const RETENTION_MS = 24 * 3_600_000;
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

  /** Acquires the key unless it was used before. */
  acquire(id: string, request: string): Promise<KeyState> {
    return this.database.runExclusively<KeyTables, KeyState>('idempotency-keys', async (tables) => {
      const now = this.clock.now();
      await tables
        .deleteFrom('idempotency_keys')
        .where('started_at', '<', new Date(now - RETENTION_MS))
        .execute();
      const stored = await tables.selectFrom('idempotency_keys').selectAll().where('id', '=', id).executeTakeFirst();
      if (!stored) {
        const row = { id, request, state: 'running', started_at: new Date(now), answer: null } as const;
        await tables.insertInto('idempotency_keys').values(row).execute();
        return 'new';
      }
      if (stored.request !== request) return 'other-request';
      if (stored.state === 'done') return this.decrypt(id, stored.answer);
      const isLost = stored.state === 'unknown' || now - readInstant(stored.started_at).getTime() > REQUEST_TIMEOUT_MS;
      return isLost ? 'unknown' : 'running';
    });
  }

  /** Stores the encrypted response of the request. */
  async complete(id: string, response: StoredResponse): Promise<void> {
    const encrypted = this.ring.encrypt(JSON.stringify(response), id);
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

export const toDigest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
