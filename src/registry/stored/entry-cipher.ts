import { createHmac } from 'node:crypto';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { CipherRing } from '#lib/sealing';
import { CREDENTIAL_MEMBERS } from '../credential-members.js';
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
    const members = Object.entries(source);
    const credentials = members.filter(([name]) => CREDENTIAL_MEMBERS.has(name));
    const entry = Object.fromEntries(members.filter(([name]) => !CREDENTIAL_MEMBERS.has(name)));
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

  /** Encrypts credentials with the current secret. Undefined when they already use it, or cannot be decrypted. */
  reencrypt(slug: string, sealed: string): string | undefined {
    const opened = this.ring.decrypt(sealed, slug);
    return opened === undefined || opened.isCurrent ? undefined : this.ring.encrypt(opened.text, slug);
  }

  /** Returns a keyed digest of entries, which reveals nothing about their content. */
  digest(entries: readonly DeclaredEntry[]): string {
    const text = canonicalJson(entries.map(({ kind, slug, position, source }) => [kind, slug, position, source]));
    return createHmac('sha256', this.secrets.session).update(`${LABEL}\0${text}`).digest('base64url');
  }
}
