import { Injectable } from '@nestjs/common';
import { InjectDefault, SecretStore, type OpenedSecret, type SecretContext } from 'isthmus/extension-kit';
import { SealingKeys } from './sealing-keys.js';

const PREFIX = 'acme';

/**
 * Seals credentials with the newest of Acme's keys. The gateway seals again what an older key, or the gateway itself, has sealed.
 * Without keys, such as on a developer's machine, the gateway seals everything.
 */
@Injectable()
export class SealedSecrets extends SecretStore {
  constructor(
    @InjectDefault(SecretStore) private readonly standard: SecretStore,
    private readonly keys: SealingKeys,
  ) {
    super();
  }

  override seal(text: string, context: SecretContext): string | Promise<string> {
    const { newest } = this.keys;
    if (newest === undefined) return this.standard.seal(text, context);
    return [PREFIX, newest.id, newest.seal(text, context.entry)].join(':');
  }

  override async open(sealed: string, context: SecretContext): Promise<OpenedSecret | undefined> {
    const [prefix, id = '', rest = ''] = sealed.split(':');
    if (prefix !== PREFIX) return this.openStandard(sealed, context);
    const key = this.keys.find(id);
    // It opens again once the key is back, so it is not unknown.
    if (key === undefined) throw new Error(`ACME_SEALING_KEYS lacks the key ${id}.`);
    const text = key.open(rest, context.entry);
    return text === undefined ? undefined : { text, isCurrent: key === this.keys.newest };
  }

  private async openStandard(sealed: string, context: SecretContext): Promise<OpenedSecret | undefined> {
    const opened = await this.standard.open(sealed, context);
    return opened && this.keys.newest ? { ...opened, isCurrent: false } : opened;
  }
}
