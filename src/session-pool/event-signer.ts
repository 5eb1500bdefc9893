import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';

const KEY_BYTES = 32;
const MAC_BYTES = 16;
/** Length of a MAC in base64url. */
const MAC_LENGTH = 22;
/** Separates this key from the other keys that are derived from the same secret. */
const LABEL = 'session-pool events 1';

/**
 * Authenticates stored events: write access to Redis must not be enough to forge one. A stored event is valid only with
 * a MAC over its session and text under the workers' common secret (HMAC-SHA256, RFC 2104, truncated to 16 bytes; key
 * by HKDF, RFC 5869).
 */
export class EventSigner {
  private readonly key: KeyObject;

  constructor(secret: Buffer) {
    this.key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', LABEL, KEY_BYTES)));
  }

  sign(session: string, text: string): string {
    return this.mac(session, text).toString('base64url') + text;
  }

  /** Returns the text that was signed for this session. Undefined for everything else. */
  verify(session: string, sealed: string): string | undefined {
    const text = sealed.slice(MAC_LENGTH);
    const mac = Buffer.from(sealed.slice(0, MAC_LENGTH), 'base64url');
    return mac.length === MAC_BYTES && timingSafeEqual(mac, this.mac(session, text)) ? text : undefined;
  }

  private mac(session: string, text: string): Buffer {
    return createHmac('sha256', this.key).update(`${session}\0`).update(text).digest().subarray(0, MAC_BYTES);
  }
}
