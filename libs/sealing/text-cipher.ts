import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Closes texts that leave this installation, or travel between its workers: nobody else can read or change them
 * (AES-256-GCM, NIST SP 800-38D; key by HKDF, RFC 5869). What a text is bound to is not in it, and must be the same when
 * it is opened.
 */
export class TextCipher {
  private readonly key: KeyObject;

  /** `label`: keeps this key apart from others that are derived from the same secret. */
  constructor(secret: Buffer, label: string) {
    this.key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', label, KEY_BYTES)));
  }

  /** Another text each time, in base64url. */
  encrypt(text: string, boundTo: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.key, nonce).setAAD(Buffer.from(boundTo));
    const closed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), closed]).toString('base64url');
  }

  /** Undefined for anything that was not closed with this key and bound to the same. */
  decrypt(closed: unknown, boundTo: string): string | undefined {
    if (typeof closed !== 'string') return undefined;
    const bytes = Buffer.from(closed, 'base64url');
    // A second spelling of the same bytes would be another text for whoever remembers texts.
    if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== closed) return undefined;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, this.key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(boundTo)).setAuthTag(tag);
    try {
      return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }
}
