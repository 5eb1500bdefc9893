/** The entry of the registry to which a secret belongs. */
export interface SecretContext {
  /** The slug of a server, or `secret:` and the name of a secret. What is sealed for one entry must not open for another. */
  readonly entry: string;
}

export interface OpenedSecret {
  readonly text: string;
  /**
   * False if the text should be sealed again: with another key, or in another store. The gateway then does so at its next start.
   * Default: true.
   */
  readonly isCurrent?: boolean;
}

/**
 * Seals the credentials of entries before the database stores them, and opens them when the configuration is loaded. There is one per
 * gateway; an extension may replace it, such as by one that stores the text in a vault and returns a reference to it.
 *
 * Asked when the configuration changes and when a worker loads what has changed, never for a call: about several entries at the same
 * time, and for each text that it has sealed to open it. All workers must open what one of them has sealed. A method that throws, or
 * does not answer within 10 seconds, leaves what is affected unavailable: a change is refused, and a server is not used without its
 * credentials. The log names the store, and nothing of the error. The gateway tries again.
 *
 * @example
 * class TransitStore extends SecretStore {
 *   override seal(text: string, { entry }: SecretContext): Promise<string> {
 *     return this.vault.encrypt(text, entry);
 *   }
 *   override async open(sealed: string, { entry }: SecretContext): Promise<OpenedSecret | undefined> {
 *     return sealed.startsWith('vault:') ? { text: await this.vault.decrypt(sealed, entry) } : undefined;
 *   }
 * }
 */
export abstract class SecretStore {
  /** Returns the text that the database stores. Not empty; it may differ each time. */
  abstract seal(text: string, context: SecretContext): string | Promise<string>;

  /**
   * Returns undefined for a text that this store has not sealed for the entry, or that was changed: it never opens. Throws, or
   * rejects, while the store cannot be reached.
   */
  abstract open(sealed: string, context: SecretContext): OpenedSecret | undefined | Promise<OpenedSecret | undefined>;
}
