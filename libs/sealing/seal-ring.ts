import { Seal } from './seal.js';

/** What was opened. */
export interface Opened {
  readonly text: string;
  /** False when an older secret closed it: it should be closed anew. */
  readonly isCurrent: boolean;
}

/**
 * Seals of several secrets: the first one closes, all of them open. So a secret can be replaced while texts that the one
 * before has closed are still about.
 */
export class SealRing {
  private readonly current: Seal;
  private readonly all: readonly Seal[];

  /** `label`: keeps these keys apart from others that are derived from the same secrets. */
  constructor(secrets: readonly [Buffer, ...Buffer[]], label: string) {
    const [first, ...others] = secrets;
    this.current = new Seal(first, label);
    this.all = [this.current, ...others.map((secret) => new Seal(secret, label))];
  }

  /** Another text each time, in base64url. */
  close(text: string, boundTo: string): string {
    return this.current.close(text, boundTo);
  }

  /** Undefined for anything that was not closed with one of these secrets and bound to the same. */
  open(closed: unknown, boundTo: string): Opened | undefined {
    for (const seal of this.all) {
      const text = seal.open(closed, boundTo);
      if (text !== undefined) return { text, isCurrent: seal === this.current };
    }
    return undefined;
  }
}
