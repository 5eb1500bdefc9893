import { createHmac, hkdfSync } from 'node:crypto';
import { TextCipher, NONCE_BYTES } from './text-cipher.js';

/**
 * Encrypts equal texts that are bound to equal values to equal texts, for ids that their holders compare. The nonce is
 * derived from both with a key of its own, so that different texts have different nonces.
 */
export class StableCipher extends TextCipher {
  private readonly nonceKey: Buffer;

  constructor(secret: Buffer, label: string) {
    super(secret, label);
    this.nonceKey = Buffer.from(hkdfSync('sha256', secret, '', `${label} nonce`, 32));
  }

  protected override createNonce(text: string, boundTo: string): Buffer {
    // The length separates the two values.
    const input = `${boundTo.length} ${boundTo}${text}`;
    return createHmac('sha256', this.nonceKey).update(input).digest().subarray(0, NONCE_BYTES);
  }
}
