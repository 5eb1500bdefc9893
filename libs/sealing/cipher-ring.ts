import { TextCipher } from './text-cipher.js';

/** The result of a successful decryption. */
export interface DecryptedText {
  readonly text: string;
  /** False when an older secret encrypted the text; the caller should encrypt it again. */
  readonly isCurrent: boolean;
}

/**
 * Encrypts with the first of several secrets and decrypts with any of them. A secret can therefore be rotated while
 * texts of the previous secret are still in use.
 */
export class CipherRing {
  private readonly current: TextCipher;
  private readonly all: readonly TextCipher[];

  /** `label` separates these keys from other keys that are derived from the same secrets. */
  constructor(secrets: readonly [Buffer, ...Buffer[]], label: string) {
    const [first, ...others] = secrets;
    this.current = new TextCipher(first, label);
    this.all = [this.current, ...others.map((secret) => new TextCipher(secret, label))];
  }

  /** Returns a different text each time, in base64url. */
  encrypt(text: string, boundTo: string): string {
    return this.current.encrypt(text, boundTo);
  }

  /** Returns undefined unless one of these secrets encrypted the text and `boundTo` is the same. */
  decrypt(encrypted: unknown, boundTo: string): DecryptedText | undefined {
    for (const cipher of this.all) {
      const text = cipher.decrypt(encrypted, boundTo);
      if (text !== undefined) return { text, isCurrent: cipher === this.current };
    }
    return undefined;
  }
}
