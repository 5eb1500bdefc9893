import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SecretStore } from 'isthmus/extension-kit';
import { secretStoreContract } from 'isthmus/testing';
import { SealedSecrets } from '../src/sealed-secrets.js';
import { SealingKeys } from '../src/sealing-keys.js';

const OLD = '2025:the sealing key of last year';
const NEW = '2026:the sealing key of this year';
const BANK = { entry: 'bank' };

/** Stands for the gateway's own. */
class StandardStore extends SecretStore {
  override seal = (text: string) => `standard:${text}`;
  override open = (sealed: string) => (sealed.startsWith('standard:') ? { text: sealed.slice(9) } : undefined);
}

const storeWith = (keys?: string) => new SealedSecrets(new StandardStore(), SealingKeys.read(keys));

describe('SealedSecrets', () => {
  for (const { name, run } of secretStoreContract(() => storeWith(`${NEW},${OLD}`))) it(name, run);

  it('has what an older key has sealed sealed again', async () => {
    const sealed = await storeWith(OLD).seal('k3y', BANK);
    assert.deepEqual(await storeWith(`${NEW},${OLD}`).open(sealed, BANK), { text: 'k3y', isCurrent: false });
    await assert.rejects(storeWith(NEW).open(sealed, BANK), { message: 'ACME_SEALING_KEYS lacks the key 2025.' });
  });

  it('has what the gateway has sealed sealed again', async () => {
    assert.deepEqual(await storeWith(NEW).open('standard:k3y', BANK), { text: 'k3y', isCurrent: false });
  });

  it('leaves everything to the gateway without keys', async () => {
    assert.equal(await storeWith().seal('k3y', BANK), 'standard:k3y');
    assert.deepEqual(await storeWith().open('standard:k3y', BANK), { text: 'k3y' });
  });

  it('refuses keys without an id, or with a short secret', () => {
    for (const keys of ['the sealing key of this year', '2026:short', `${NEW},`])
      assert.throws(() => SealingKeys.read(keys), { message: /^ACME_SEALING_KEYS needs / });
  });
});
