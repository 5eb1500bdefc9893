import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { readHeritage, type Heritage } from './heritage.js';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Keeps this key apart from others that are derived from the same secret. */
const LABEL = 'affinity heritage 1';

/**
 * Closes what a worker gives to another one with a session: ids of sessions at servers are in it, and whoever listens at
 * Redis could go on with them. Only the worker that it is for can open it (AES-256-GCM, NIST SP 800-38D; key by HKDF,
 * RFC 5869).
 */
export class HeritageSeal {
  private readonly key: KeyObject;

  constructor(secret: Buffer) {
    this.key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', LABEL, KEY_BYTES)));
  }

  /** `heir`: incarnation of the worker that it is for. */
  close(heritage: Heritage, heir: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.key, nonce).setAAD(Buffer.from(heir));
    const closed = Buffer.concat([cipher.update(JSON.stringify(heritage), 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), closed]).toString('base64');
  }

  /** Undefined for anything that was not closed for this very heir. */
  open(closed: unknown, heir: string): Heritage | undefined {
    if (typeof closed !== 'string') return undefined;
    const bytes = Buffer.from(closed, 'base64');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, this.key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(heir)).setAuthTag(tag);
    try {
      const json = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
      return readHeritage(JSON.parse(json));
    } catch {
      return undefined;
    }
  }
}
