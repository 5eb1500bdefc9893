import { Seal } from './seal.js';

/** The result of a successful decryption. */
export interface Opened {
  readonly text: string;
  /** False when an older secret encrypted the text; the caller should encrypt it again. */
  readonly isCurrent: boolean;
}

/**
 * Encrypts with the first of several secrets and decrypts with any of them. A secret can therefore be rotated while
 * texts of the previous secret are still in use.
 */
export class SealRing {
  private readonly current: Seal;
  private readonly all: readonly Seal[];

  /** `label` separates these keys from other keys that are derived from the same secrets. */
  constructor(secrets: readonly [Buffer, ...Buffer[]], label: string) {
    const [first, ...others] = secrets;
    this.current = new Seal(first, label);
    this.all = [this.current, ...others.map((secret) => new Seal(secret, label))];
  }

  /** Returns a different text each time, in base64url. */
  close(text: string, boundTo: string): string {
    return this.current.close(text, boundTo);
  }

  /** Returns undefined unless one of these secrets encrypted the text and `boundTo` is the same. */
  open(encrypted: unknown, boundTo: string): Opened | undefined {
    for (const cipher of this.all) {
      const text = cipher.open(encrypted, boundTo);
      if (text !== undefined) return { text, isCurrent: cipher === this.current };
    }
    return undefined;
  }
}
