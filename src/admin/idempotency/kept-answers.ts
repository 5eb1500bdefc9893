import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { SealRing } from '#lib/sealing';
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
export interface KeptAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonValue;
}

/**
 * The state of an idempotency key. `new`: it was acquired for this request. `other-request`: it was used for another request.
 * `running`: its request is in progress. `unknown`: the outcome of its request is unknown. Otherwise: the response to replay.
 */
export type KeyState = 'new' | 'other-request' | 'running' | 'unknown' | KeptAnswer;

/** How long a key is stored. */
const RETENTION_MS = 24 * 3_600_000;
/** No request takes longer. A request that has not ended by then died with its worker. */
const REQUEST_TIMEOUT_MS = 60_000;
const LABEL = 'isthmus idempotency 1';

/** Stores responses of the admin API by idempotency key. Every method may throw DatabaseUnavailable. */
@Injectable()
export class KeptAnswers {
  private readonly ring: SealRing;

  constructor(
    private readonly database: Database,
    folder: DataFolder,
  ) {
    this.ring = new SealRing(folder.secrets.credentials, LABEL);
  }

  /** Acquires the key unless it was used before. */
  begin(id: string, request: string): Promise<KeyState> {
    return this.database.exclusively<KeyTables, KeyState>('idempotency-keys', async (tables) => {
      const now = Date.now();
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
      if (stored.state === 'done') return this.open(id, stored.answer);
      const isLost = stored.state === 'unknown' || now - readInstant(stored.started_at).getTime() > REQUEST_TIMEOUT_MS;
      return isLost ? 'unknown' : 'running';
    });
  }

  /** Stores the encrypted response of the request. */
  async keep(id: string, response: KeptAnswer): Promise<void> {
    const encrypted = this.ring.close(JSON.stringify(response), id);
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
  async giveUp(id: string): Promise<void> {
    await this.tables.updateTable('idempotency_keys').set({ state: 'unknown' }).where('id', '=', id).execute();
  }

  private get tables() {
    return this.database.tables<KeyTables>();
  }

  /** A response that was encrypted with a removed secret is lost, so its outcome is unknown. */
  private open(id: string, encrypted: string | null): KeyState {
    const opened = this.ring.open(encrypted, id);
    return opened ? (JSON.parse(opened.text) as JsonObject & KeptAnswer) : 'unknown';
  }
}

export const digestOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
