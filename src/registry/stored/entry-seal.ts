import { createHmac } from 'node:crypto';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { SealRing } from '#lib/sealing';
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
export class EntrySeal {
  private readonly ring: SealRing;

  constructor(private readonly secrets: Pick<Secrets, 'session' | 'credentials'>) {
    this.ring = new SealRing(secrets.credentials, LABEL);
  }

  /** Encrypts the credentials of an entry. The ciphertext differs each time and is bound to the slug. */
  close(slug: string, written: JsonObject): SealedEntry {
    const members = Object.entries(written);
    const credentials = members.filter(([name]) => CREDENTIAL_MEMBERS.has(name));
    const entry = Object.fromEntries(members.filter(([name]) => !CREDENTIAL_MEMBERS.has(name)));
    if (credentials.length === 0) return { entry, sealed: null };
    return { entry, sealed: this.ring.close(JSON.stringify(Object.fromEntries(credentials)), slug) };
  }

  /** Undefined when the ciphertext belongs to another secret or slug, or was changed. */
  open(slug: string, { entry, sealed }: SealedEntry): JsonObject | undefined {
    if (sealed === null) return entry;
    const opened = this.ring.open(sealed, slug);
    if (opened === undefined) return undefined;
    const credentials = JSON.parse(opened.text) as JsonValue;
    return isJsonObject(credentials) ? { ...entry, ...credentials } : undefined;
  }

  /** Encrypts credentials with the current secret. Undefined when they already use it, or cannot be decrypted. */
  closeAnew(slug: string, sealed: string): string | undefined {
    const opened = this.ring.open(sealed, slug);
    return opened === undefined || opened.isCurrent ? undefined : this.ring.close(opened.text, slug);
  }

  /** Returns a keyed digest of entries, which reveals nothing about their content. */
  digest(entries: readonly DeclaredEntry[]): string {
    const text = canonicalJson(entries.map(({ kind, slug, position, written }) => [kind, slug, position, written]));
    return createHmac('sha256', this.secrets.session).update(`${LABEL}\0${text}`).digest('base64url');
  }
}
