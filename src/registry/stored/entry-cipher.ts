import { createHmac } from 'node:crypto';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { Secrets } from '../../data-folder/index.js';
import type { CheckedSecretStore } from '../checked-secret-store.js';
import { selectCredentialMembers } from '../credentials.js';
import type { SecretStoreUnavailable } from '../registry.errors.js';
import { SEALING_LABEL } from '../data-folder-secret-store.js';
import type { DeclaredEntry } from './entry.js';

/** A stored entry in two parts: plain members, and sealed credentials. */
interface SealedEntry {
  readonly entry: JsonObject;
  readonly sealed: string | null;
}

/** An entry whose credentials were opened. */
interface OpenedEntry {
  readonly source: JsonObject;
  /** False when the credentials must be sealed again: with another key, or because an earlier version stored some in clear. */
  readonly isCurrent: boolean;
}

/** Seals and opens the credentials of entries. Its methods reject with SecretStoreUnavailable. */
export class EntryCipher {
  constructor(
    private readonly store: CheckedSecretStore,
    private readonly secrets: Pick<Secrets, 'session'>,
  ) {}

  /** The plain members of a source, and its credentials as a text. Undefined: it has none. */
  split(source: JsonObject): { readonly entry: JsonObject; readonly credentials: string | undefined } {
    const credentials = selectCredentialMembers(source);
    const hidden = new Set(credentials.map(([name]) => name));
    const entry = Object.fromEntries(Object.entries(source).filter(([name]) => !hidden.has(name)));
    return { entry, credentials: hidden.size === 0 ? undefined : JSON.stringify(Object.fromEntries(credentials)) };
  }

  /** True for a stored entry that contains no credentials in clear. */
  isSealed(entry: JsonObject): boolean {
    return selectCredentialMembers(entry).length === 0;
  }

  /** Seals the credentials of an entry, for its slug alone. The store must open what becomes their only copy. */
  async encrypt(slug: string, source: JsonObject): Promise<SealedEntry> {
    const { entry, credentials } = this.split(source);
    if (credentials === undefined) return { entry, sealed: null };
    const sealed = await this.store.seal(credentials, { entry: slug });
    const opened = await this.open(slug, { entry, sealed });
    if (opened === undefined || canonicalJson(opened.source) !== canonicalJson(source))
      throw this.store.toFailure('seal', { entry: slug }, 'sealed a text that it does not open');
    return { entry, sealed };
  }

  /** Undefined when the text belongs to another store, secret or slug, or was changed. */
  async open(slug: string, { entry, sealed }: SealedEntry): Promise<OpenedEntry | undefined> {
    if (sealed === null) return { source: entry, isCurrent: this.isSealed(entry) };
    const opened = await this.store.open(sealed, { entry: slug });
    const credentials = opened && parse(opened.text);
    if (!opened || !isJsonObject(credentials)) return undefined;
    return { source: { ...entry, ...credentials }, isCurrent: opened.isCurrent && this.isSealed(entry) };
  }

  /** Why an entry was not opened about which a silent store was not even asked. */
  toSilence(slug: string): SecretStoreUnavailable {
    return this.store.toFailure('open', { entry: slug }, 'did not answer in time', true);
  }

  /** Returns a keyed digest of entries, which reveals nothing about their content. */
  digest(entries: readonly DeclaredEntry[]): string {
    const text = canonicalJson(entries.map(({ kind, slug, position, source }) => [kind, slug, position, source]));
    return createHmac('sha256', this.secrets.session).update(`${SEALING_LABEL}\0${text}`).digest('base64url');
  }
}

/** Undefined for a text that another program has sealed. */
function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
