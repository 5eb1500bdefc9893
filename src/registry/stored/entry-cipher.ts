import { createHmac } from 'node:crypto';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { SealRing } from '#lib/sealing';
import { CREDENTIAL_MEMBERS } from '../credential-members.js';
import type { Secrets } from '../../data-folder/index.js';
import type { DeclaredEntry } from './entry.js';

const LABEL = 'isthmus registry 1';

/** An entry in two parts, as it lies in the database. */
interface SealedEntry {
  readonly entry: JsonObject;
  readonly sealed: string | null;
}

/** Closes and opens the credentials of entries, with keys that are derived from secrets of the data folder. */
export class EntryCipher {
  private readonly ring: SealRing;

  constructor(private readonly secrets: Pick<Secrets, 'session' | 'credentials'>) {
    this.ring = new SealRing(secrets.credentials, LABEL);
  }

  /** Another text each time. It belongs to this slug, and cannot be moved to another. */
  encrypt(slug: string, source: JsonObject): SealedEntry {
    const members = Object.entries(source);
    const secrets = members.filter(([name]) => CREDENTIAL_MEMBERS.has(name));
    const entry = Object.fromEntries(members.filter(([name]) => !CREDENTIAL_MEMBERS.has(name)));
    const sealed = secrets.length === 0 ? null : this.ring.encrypt(JSON.stringify(Object.fromEntries(secrets)), slug);
    return { entry, sealed };
  }

  /** Undefined when it was closed with another secret or for another slug, or was changed. */
  decrypt(slug: string, { entry, sealed }: SealedEntry): JsonObject | undefined {
    if (sealed === null) return entry;
    const opened = this.ring.decrypt(sealed, slug);
    if (opened === undefined) return undefined;
    const secrets = JSON.parse(opened.text) as JsonValue;
    return isJsonObject(secrets) ? { ...entry, ...secrets } : undefined;
  }

  /** The same credentials, closed with the current secret. Undefined when they are, or cannot be opened. */
  reencrypt(slug: string, sealed: string): string | undefined {
    const opened = this.ring.decrypt(sealed, slug);
    return opened === undefined || opened.isCurrent ? undefined : this.ring.encrypt(opened.text, slug);
  }

  /** One text for the same entries, from which nothing of them can be guessed. */
  digest(entries: readonly DeclaredEntry[]): string {
    const text = canonicalJson(entries.map(({ kind, slug, position, source }) => [kind, slug, position, source]));
    return createHmac('sha256', this.secrets.session).update(`${LABEL}\0${text}`).digest('base64url');
  }
}
