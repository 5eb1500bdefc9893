import { TextCipher } from './text-cipher.js';

/** What was opened. */
export interface DecryptedText {
  readonly text: string;
  /** False when an older secret closed it: it should be closed anew. */
  readonly isCurrent: boolean;
}

/**
 * Seals of several secrets: the first one closes, all of them open. So a secret can be replaced while texts that the one
 * before has closed are still about.
 */
export class CipherRing {
  private readonly current: TextCipher;
  private readonly all: readonly TextCipher[];

  /** `label`: keeps these keys apart from others that are derived from the same secrets. */
  constructor(secrets: readonly [Buffer, ...Buffer[]], label: string) {
    const [first, ...others] = secrets;
    this.current = new TextCipher(first, label);
    this.all = [this.current, ...others.map((secret) => new TextCipher(secret, label))];
  }

  /** Another text each time, in base64url. */
  encrypt(text: string, boundTo: string): string {
    return this.current.encrypt(text, boundTo);
  }

  /** Undefined for anything that was not closed with one of these secrets and bound to the same. */
  decrypt(closed: unknown, boundTo: string): DecryptedText | undefined {
    for (const seal of this.all) {
      const text = seal.decrypt(closed, boundTo);
      if (text !== undefined) return { text, isCurrent: seal === this.current };
    }
    return undefined;
  }
}
