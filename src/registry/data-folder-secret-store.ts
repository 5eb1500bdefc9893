import { SecretStore, type OpenedSecret, type SecretContext } from '#lib/extension-kit';
import { CipherRing } from '#lib/sealing';
import type { Secrets } from '../data-folder/index.js';

export const SEALING_LABEL = 'isthmus registry 1';

/** Seals with the first line of `credentials.secret` in the data folder, and opens what any of its lines has sealed. */
export class DataFolderSecretStore extends SecretStore {
  private readonly ring: CipherRing;

  constructor({ credentials }: Pick<Secrets, 'credentials'>) {
    super();
    this.ring = new CipherRing(credentials, SEALING_LABEL);
  }

  override seal(text: string, { entry }: SecretContext): string {
    return this.ring.encrypt(text, entry);
  }

  override open(sealed: string, { entry }: SecretContext): OpenedSecret | undefined {
    return this.ring.decrypt(sealed, entry);
  }
}
