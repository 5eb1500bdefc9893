import assert from 'node:assert/strict';
import type { OpenedSecret, SecretStore } from '#lib/extension-kit';
import type { ContractCheck } from './contract.js';

const ENTRY = { entry: 'files' };
const OTHER_ENTRY = { entry: 'secret:files' };
const TEXTS = ['{"headers":{"authorization":"Bearer k3y-7f31"}}', 'ä ✓ 𝄞 "\\\n', 'x'.repeat(100_000)];

/**
 * What the gateway relies on in a `SecretStore`. `store` returns the one that is checked: each call stands for another worker, so that
 * stores with a state of their own should be new objects.
 */
export function secretStoreContract(store: () => SecretStore): readonly ContractCheck[] {
  const each = (check: (text: string) => Promise<void>) => async () => {
    for (const text of TEXTS) await check(text);
  };
  return [
    { name: 'opens at every worker what one has sealed', run: each((text) => isOpened(store(), store(), text)) },
    {
      name: 'opens what it has just sealed without asking to seal it again',
      run: each((text) => isCurrent(store(), text)),
    },
    { name: 'hides the text', run: each((text) => isHidden(store(), text)) },
    { name: 'opens nothing for another entry', run: each((text) => isBound(store(), text)) },
    { name: 'opens nothing that was changed', run: each((text) => isProtected(store(), text)) },
    { name: 'opens several texts at once', run: () => opensTogether(store()) },
  ];
}

async function isOpened(sealing: SecretStore, opening: SecretStore, text: string): Promise<void> {
  const sealed: unknown = await sealing.seal(text, ENTRY);
  assert.ok(typeof sealed === 'string' && sealed !== '', 'What is sealed is no text, or empty.');
  const opened = await opening.open(sealed, { ...ENTRY });
  assert.ok(opened?.text === text, 'What was opened is not what was sealed.');
}

async function isCurrent(store: SecretStore, text: string): Promise<void> {
  const opened = await store.open(await store.seal(text, ENTRY), ENTRY);
  assert.notEqual(opened?.isCurrent, false, 'A text that was just sealed would be sealed again at each start.');
}

async function isHidden(store: SecretStore, text: string): Promise<void> {
  const sealed = await store.seal(text, ENTRY);
  assert.ok(!sealed.includes(text), 'What is sealed contains the text.');
  assert.ok(!Buffer.from(sealed, 'base64').toString('utf8').includes(text), 'What is sealed is the text in base64.');
}

async function isBound(store: SecretStore, text: string): Promise<void> {
  const opened = await openOrFail(store, await store.seal(text, ENTRY), OTHER_ENTRY);
  assert.ok(opened === undefined, 'A text that was sealed for one entry opens for another.');
}

async function isProtected(store: SecretStore, text: string): Promise<void> {
  const sealed = await store.seal(text, ENTRY);
  const index = Math.floor(sealed.length / 2);
  const changed = sealed.slice(0, index) + (sealed[index] === 'A' ? 'B' : 'A') + sealed.slice(index + 1);
  for (const each of [changed, '', 'garbage'])
    assert.ok((await openOrFail(store, each, ENTRY)) === undefined, 'A text that was changed opens.');
}

async function opensTogether(store: SecretStore): Promise<void> {
  const opened = await Promise.all(TEXTS.map(async (text) => store.open(await store.seal(text, ENTRY), ENTRY)));
  assert.ok(
    opened.every((each, index) => each?.text === TEXTS[index]),
    'Texts that were opened at once are confused.',
  );
}

/** A store may reject what it never sealed, as if it could not be reached. */
const openOrFail = async (
  store: SecretStore,
  sealed: string,
  context: typeof ENTRY,
): Promise<OpenedSecret | undefined> => {
  try {
    return await store.open(sealed, context);
  } catch {
    return undefined;
  }
};
