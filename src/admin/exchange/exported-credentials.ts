import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { SealRing } from '#lib/sealing';
import { DataFolder } from '../../data-folder/index.js';
import { CREDENTIAL_MEMBERS } from '../../registry/index.js';
import { destinationOf } from '../registry/kept-credentials.js';

const LABEL = 'isthmus export 1';

/**
 * Encrypts the credentials of an exported document with a secret of this installation. The ciphertext is bound to the entry
 * and to the destination of its credentials.
 */
@Injectable()
export class ExportedCredentials {
  private readonly ring: SealRing;

  constructor(folder: DataFolder) {
    this.ring = new SealRing(folder.secrets.credentials, LABEL);
  }

  /** Undefined when the entry has no credentials. */
  close(name: string, written: JsonObject): string | undefined {
    const members = Object.entries(written).filter(([member]) => CREDENTIAL_MEMBERS.has(member));
    if (members.length === 0) return undefined;
    return this.ring.close(JSON.stringify(Object.fromEntries(members)), toAssociatedData(name, written));
  }

  /** Undefined when the ciphertext belongs to another installation, entry or destination, or was changed. */
  open(name: string, entry: JsonObject, encrypted: JsonValue | undefined): JsonObject | undefined {
    const opened = this.ring.open(encrypted, toAssociatedData(name, entry));
    const members = opened && (JSON.parse(opened.text) as JsonValue);
    return isJsonObject(members) ? { ...entry, ...members } : undefined;
  }
}

const toAssociatedData = (name: string, source: JsonObject): string => `${name} ${destinationOf(source)}`;
