import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';

const KEY_BYTES = 32;
const MAC_BYTES = 16;
/** Of a MAC in base64url. */
const MAC_LENGTH = 22;
/** Keeps this key apart from others that are derived from the same secret. */
const LABEL = 'session-pool events 1';

/**
 * Whoever can write to Redis is no worker yet: a stored event counts only with the MAC of the workers' common secret,
 * made for its very session (HMAC-SHA256, RFC 2104, its first 16 bytes; key by HKDF, RFC 5869).
 */
export class EventSigner {
  private readonly key: KeyObject;

  constructor(secret: Buffer) {
    this.key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', LABEL, KEY_BYTES)));
  }

  sign(session: string, text: string): string {
    return this.mac(session, text).toString('base64url') + text;
  }

  /** What was sealed for this session; undefined for everything else. */
  verify(session: string, sealed: string): string | undefined {
    const text = sealed.slice(MAC_LENGTH);
    const mac = Buffer.from(sealed.slice(0, MAC_LENGTH), 'base64url');
    return mac.length === MAC_BYTES && timingSafeEqual(mac, this.mac(session, text)) ? text : undefined;
  }

  private mac(session: string, text: string): Buffer {
    return createHmac('sha256', this.key).update(`${session}\0`).update(text).digest().subarray(0, MAC_BYTES);
  }
}
