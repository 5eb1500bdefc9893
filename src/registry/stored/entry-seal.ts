import { createHmac } from 'node:crypto';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { Seal } from '#lib/sealing';
import type { DeclaredEntry } from './entry.js';

/** Members of an entry in which credentials stand: nothing of them can be read in the database. */
const SEALED_MEMBERS: ReadonlySet<string> = new Set(['headers', 'env', 'args']);
const LABEL = 'isthmus registry 1';

/** An entry in two parts, as it lies in the database. */
interface SealedEntry {
  readonly entry: JsonObject;
  readonly sealed: string | null;
}

/** Closes and opens the credentials of entries, with a key that is derived from a secret of the data folder. */
export class EntrySeal {
  private readonly seal: Seal;

  constructor(private readonly secret: Buffer) {
    this.seal = new Seal(secret, LABEL);
  }

  /** Another text each time. It belongs to this slug, and cannot be moved to another. */
  close(slug: string, written: JsonObject): SealedEntry {
    const members = Object.entries(written);
    const secrets = members.filter(([name]) => SEALED_MEMBERS.has(name));
    const entry = Object.fromEntries(members.filter(([name]) => !SEALED_MEMBERS.has(name)));
    const sealed = secrets.length === 0 ? null : this.seal.close(JSON.stringify(Object.fromEntries(secrets)), slug);
    return { entry, sealed };
  }

  /** Undefined when it was closed with another secret or for another slug, or was changed. */
  open(slug: string, { entry, sealed }: SealedEntry): JsonObject | undefined {
    if (sealed === null) return entry;
    const text = this.seal.open(sealed, slug);
    if (text === undefined) return undefined;
    const secrets = JSON.parse(text) as JsonValue;
    return isJsonObject(secrets) ? { ...entry, ...secrets } : undefined;
  }

  /** One text for the same entries, from which nothing of them can be guessed. */
  digest(entries: readonly DeclaredEntry[]): string {
    const text = canonicalJson(entries.map(({ kind, slug, position, written }) => [kind, slug, position, written]));
    return createHmac('sha256', this.secret).update(`${LABEL}\0${text}`).digest('base64url');
  }
}
