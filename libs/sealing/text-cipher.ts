import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts texts that leave this installation or travel between its workers, so that others can neither read nor change
 * them (AES-256-GCM, NIST SP 800-38D; key by HKDF, RFC 5869). The value to which a text is bound is not part of the
 * encrypted text and must be the same at decryption.
 */
export class TextCipher {
  private readonly key: KeyObject;

  /** `label` separates this key from other keys that are derived from the same secret. */
  constructor(secret: Buffer, label: string) {
    this.key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', label, KEY_BYTES)));
  }

  /** Returns a different text each time, in base64url. */
  encrypt(text: string, boundTo: string): string {
    const nonce = this.createNonce(text, boundTo);
    const cipher = createCipheriv(CIPHER, this.key, nonce).setAAD(Buffer.from(boundTo));
    const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url');
  }

  protected createNonce(_text: string, _boundTo: string): Buffer {
    return randomBytes(NONCE_BYTES);
  }

  /** Returns undefined unless this key encrypted the text and `boundTo` is the same. */
  decrypt(encrypted: unknown, boundTo: string): string | undefined {
    if (typeof encrypted !== 'string') return undefined;
    const bytes = Buffer.from(encrypted, 'base64url');
    // A second spelling of the same bytes would be a different text for callers that compare or store encrypted texts.
    if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== encrypted) return undefined;
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
