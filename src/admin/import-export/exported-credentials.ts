import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { CipherRing } from '#lib/sealing';
import { DataFolder } from '../../data-folder/index.js';
import { selectCredentialMembers } from '../../registry/index.js';
import { credentialDestination } from '../registry/credential-placeholders.js';

const LABEL = 'isthmus export 1';

/**
 * Encrypts an exported entry that has credentials, with a secret of this installation. The ciphertext is bound to the name of the
 * entry, and holds the whole entry: which of its members are credentials, and which name their destination, may be known only at the
 * import, when the extension of its kind is loaded again.
 */
@Injectable()
export class ExportedCredentials {
  private readonly ring: CipherRing;

  constructor(folder: DataFolder) {
    this.ring = new CipherRing(folder.secrets.credentials, LABEL);
  }

  /** Undefined when the entry has no credentials. */
  encrypt(name: string, source: JsonObject): string | undefined {
    if (selectCredentialMembers(source).length === 0) return undefined;
    return this.ring.encrypt(JSON.stringify(source), name);
  }

  /**
   * Returns the entry as it was exported; `entry` is as the document states it. Undefined when the ciphertext belongs to another
   * installation or entry, or was changed.
   */
  decrypt(name: string, entry: JsonObject, encrypted: JsonValue | undefined): JsonObject | undefined {
    const opened = this.ring.decrypt(encrypted, name);
    const source = opened && (JSON.parse(opened.text) as JsonValue);
    return isJsonObject(source) ? source : this.decryptMembers(name, entry, encrypted);
  }

  /** Earlier versions encrypted only the members with credentials, and bound them to their destination. */
  private decryptMembers(name: string, entry: JsonObject, encrypted: JsonValue | undefined): JsonObject | undefined {
    const opened = this.ring.decrypt(encrypted, `${name} ${credentialDestination(entry)}`);
    const members = opened && (JSON.parse(opened.text) as JsonValue);
    return isJsonObject(members) ? { ...entry, ...members } : undefined;
  }
}
