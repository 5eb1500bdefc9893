import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { CipherRing } from '#lib/sealing';
import { DataFolder } from '../../data-folder/index.js';
import { Database, readInstant, type StoredInstant } from '../../database/index.js';

/** As migration 0004-idempotency-keys makes it. */
type KeyTables = {
  idempotency_keys: {
    id: string;
    request: string;
    state: 'running' | 'unknown' | 'done';
    started_at: StoredInstant;
    answer: string | null;
  };
};

/** An answer to be given again. */
export interface StoredResponse {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonValue;
}

/**
 * What is known of a key: nothing, and it is the asker's now; that it stands for another request; that its request is
 * being carried out; that nobody knows what became of it; or its answer.
 */
export type KeyState = 'new' | 'other-request' | 'running' | 'unknown' | StoredResponse;

/** How long a key is remembered. */
const KEPT_MS = 24 * 3_600_000;
/** No request takes longer; what has not ended by then died with its worker. */
const LONGEST_MS = 60_000;
const LABEL = 'isthmus idempotency 1';

/** Answers of the admin API by the idempotency key of their requests. Everything here may throw DatabaseUnavailable. */
@Injectable()
export class IdempotencyStore {
  private readonly ring: CipherRing;

  constructor(
    private readonly database: Database,
    folder: DataFolder,
  ) {
    this.ring = new CipherRing(folder.secrets.credentials, LABEL);
  }

  /** Takes the key, unless it was taken before. */
  acquire(id: string, request: string): Promise<KeyState> {
    return this.database.runExclusively<KeyTables, KeyState>('idempotency-keys', async (tables) => {
      const now = Date.now();
      await tables
        .deleteFrom('idempotency_keys')
        .where('started_at', '<', new Date(now - KEPT_MS))
        .execute();
      const known = await tables.selectFrom('idempotency_keys').selectAll().where('id', '=', id).executeTakeFirst();
      if (!known) {
        const row = { id, request, state: 'running', started_at: new Date(now), answer: null } as const;
        await tables.insertInto('idempotency_keys').values(row).execute();
        return 'new';
      }
      if (known.request !== request) return 'other-request';
      if (known.state === 'done') return this.decrypt(id, known.answer);
      const isOver = known.state === 'unknown' || now - readInstant(known.started_at).getTime() > LONGEST_MS;
      return isOver ? 'unknown' : 'running';
    });
  }

  async complete(id: string, answer: StoredResponse): Promise<void> {
    const sealed = this.ring.encrypt(JSON.stringify(answer), id);
    await this.tables
      .updateTable('idempotency_keys')
      .set({ state: 'done', answer: sealed })
      .where('id', '=', id)
      .execute();
  }

  /** Nothing was done: the key is free again. */
  async release(id: string): Promise<void> {
    await this.tables.deleteFrom('idempotency_keys').where('id', '=', id).execute();
  }

  /** Nobody knows whether anything was done. */
  async markUnknown(id: string): Promise<void> {
    await this.tables.updateTable('idempotency_keys').set({ state: 'unknown' }).where('id', '=', id).execute();
  }

  private get tables() {
    return this.database.tables<KeyTables>();
  }

  /** What cannot be opened any more was sealed with a secret that is gone. */
  private decrypt(id: string, answer: string | null): KeyState {
    const opened = this.ring.decrypt(answer, id);
    return opened ? (JSON.parse(opened.text) as JsonObject & StoredResponse) : 'unknown';
  }
}

export const toDigest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
