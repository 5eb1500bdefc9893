import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { CipherRing } from '#lib/sealing';
import { DataFolder } from '../../data-folder/index.js';
import { selectCredentialMembers } from '../../registry/index.js';
import { credentialDestination } from '../registry/credential-placeholders.js';

const LABEL = 'isthmus export 1';

/**
 * Encrypts the credentials of an exported document with a secret of this installation. The ciphertext is bound to the entry
 * and to the destination of its credentials.
 */
@Injectable()
export class ExportedCredentials {
  private readonly ring: CipherRing;

  constructor(folder: DataFolder) {
    this.ring = new CipherRing(folder.secrets.credentials, LABEL);
  }

  /** Undefined when the entry has no credentials. */
  encrypt(name: string, source: JsonObject): string | undefined {
    const members = selectCredentialMembers(source);
    if (members.length === 0) return undefined;
    return this.ring.encrypt(JSON.stringify(Object.fromEntries(members)), toAssociatedData(name, source));
  }

  /** Undefined when the ciphertext belongs to another installation, entry or destination, or was changed. */
  decrypt(name: string, entry: JsonObject, encrypted: JsonValue | undefined): JsonObject | undefined {
    const opened = this.ring.decrypt(encrypted, toAssociatedData(name, entry));
    const members = opened && (JSON.parse(opened.text) as JsonValue);
    return isJsonObject(members) ? { ...entry, ...members } : undefined;
  }
}

const toAssociatedData = (name: string, source: JsonObject): string => `${name} ${credentialDestination(source)}`;
