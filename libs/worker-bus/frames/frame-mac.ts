import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Address } from '../ports/index.js';

export const MAC_BYTES = 16;
const SECRET_BYTES = 32;
/** Separates this key from others derived from the same secret. */
const LABEL = 'worker-bus frames 1';

/**
 * Authenticates frames, because permission to publish at the relay does not make a process a worker. A frame is valid
 * only with a MAC under the common secret of the workers, computed for the channel that it arrived by (HMAC-SHA256, RFC
 * 2104, its first 16 bytes; key by HKDF, RFC 5869).
 */
export class FrameMac {
  private readonly key: KeyObject;

  /** @throws TypeError for a secret that is not 32 bytes long */
  constructor(secret: Buffer) {
    if (secret.length !== SECRET_BYTES)
      throw new TypeError(`The secret of the workers must have ${SECRET_BYTES} bytes.`);
    this.key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', LABEL, SECRET_BYTES)));
  }

  sign(to: Address, content: Buffer): Buffer {
    return Buffer.concat([this.compute(to, content), content]);
  }

  /** Returns the content of a frame signed for this address; undefined for any other bytes. */
  verify(at: Address, frame: Buffer): Buffer | undefined {
    if (frame.length < MAC_BYTES) return undefined;
    const content = frame.subarray(MAC_BYTES);
    return timingSafeEqual(frame.subarray(0, MAC_BYTES), this.compute(at, content)) ? content : undefined;
  }

  private compute({ worker, box }: Address, content: Buffer): Buffer {
    const mac = createHmac('sha256', this.key).update(`${box} ${worker}\0`).update(content);
    return mac.digest().subarray(0, MAC_BYTES);
  }
}
