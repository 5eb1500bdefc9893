import { createHmac } from 'node:crypto';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { CipherRing } from '#lib/sealing';
import { selectCredentialMembers } from '../credentials.js';
import type { Secrets } from '../../data-folder/index.js';
import type { DeclaredEntry } from './entry.js';

const LABEL = 'isthmus registry 1';

/** A stored entry in two parts: plain members, and encrypted credentials. */
interface SealedEntry {
  readonly entry: JsonObject;
  readonly sealed: string | null;
}

/** Encrypts and decrypts the credentials of entries with keys derived from secrets of the data folder. */
export class EntryCipher {
  private readonly ring: CipherRing;

  constructor(private readonly secrets: Pick<Secrets, 'session' | 'credentials'>) {
    this.ring = new CipherRing(secrets.credentials, LABEL);
  }

  /** Encrypts the credentials of an entry. The ciphertext differs each time and is bound to the slug. */
  encrypt(slug: string, source: JsonObject): SealedEntry {
    const credentials = selectCredentialMembers(source);
    const sealed = new Set(credentials.map(([name]) => name));
    const entry = Object.fromEntries(Object.entries(source).filter(([name]) => !sealed.has(name)));
    if (credentials.length === 0) return { entry, sealed: null };
    return { entry, sealed: this.ring.encrypt(JSON.stringify(Object.fromEntries(credentials)), slug) };
  }

  /** Undefined when the ciphertext belongs to another secret or slug, or was changed. */
  decrypt(slug: string, { entry, sealed }: SealedEntry): JsonObject | undefined {
    if (sealed === null) return entry;
    const opened = this.ring.decrypt(sealed, slug);
    if (opened === undefined) return undefined;
    const credentials = JSON.parse(opened.text) as JsonValue;
    return isJsonObject(credentials) ? { ...entry, ...credentials } : undefined;
  }

  /**
   * Encrypts the credentials of an entry with the current secret, including those that an earlier version stored in clear.
   * Undefined when nothing changes, or they cannot be decrypted.
   */
  reencrypt(slug: string, { entry, sealed }: SealedEntry): SealedEntry | undefined {
    const opened = sealed === null ? undefined : this.ring.decrypt(sealed, slug);
    if (sealed !== null && opened === undefined) return undefined;
    const isCurrent = opened?.isCurrent ?? true;
    if (isCurrent && selectCredentialMembers(entry).length === 0) return undefined;
    const source = this.decrypt(slug, { entry, sealed });
    return source && this.encrypt(slug, source);
  }

  /** Returns a keyed digest of entries, which reveals nothing about their content. */
  digest(entries: readonly DeclaredEntry[]): string {
    const text = canonicalJson(entries.map(({ kind, slug, position, source }) => [kind, slug, position, source]));
    return createHmac('sha256', this.secrets.session).update(`${LABEL}\0${text}`).digest('base64url');
  }
}
