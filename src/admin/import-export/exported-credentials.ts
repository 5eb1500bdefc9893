import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { CipherRing } from '#lib/sealing';
import { DataFolder } from '../../data-folder/index.js';
import { CREDENTIAL_MEMBERS } from '../../registry/index.js';
import { credentialDestination } from '../registry/credential-placeholders.js';

const LABEL = 'isthmus export 1';

/**
 * Credentials in a document that people keep: closed with a secret of this installation, and good for the entry and the
 * host that they were taken from, nowhere else.
 */
@Injectable()
export class ExportedCredentials {
  private readonly ring: CipherRing;

  constructor(folder: DataFolder) {
    this.ring = new CipherRing(folder.secrets.credentials, LABEL);
  }

  /** Undefined where there are none. */
  encrypt(name: string, source: JsonObject): string | undefined {
    const members = Object.entries(source).filter(([member]) => CREDENTIAL_MEMBERS.has(member));
    if (members.length === 0) return undefined;
    return this.ring.encrypt(JSON.stringify(Object.fromEntries(members)), boundTo(name, source));
  }

  /** Undefined for what was closed elsewhere, for something else, or was changed. */
  decrypt(name: string, entry: JsonObject, closed: JsonValue | undefined): JsonObject | undefined {
    const opened = this.ring.decrypt(closed, boundTo(name, entry));
    const members = opened && (JSON.parse(opened.text) as JsonValue);
    return isJsonObject(members) ? { ...entry, ...members } : undefined;
  }
}

const boundTo = (name: string, source: JsonObject): string => `${name} ${credentialDestination(source)}`;
