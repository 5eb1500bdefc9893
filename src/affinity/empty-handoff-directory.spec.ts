import { expect, it } from '@jest/globals';
import { EmptyHandoffDirectory } from './empty-handoff-directory.js';

it('a worker alone gives nothing away', async () => {
  const heirs = new EmptyHandoffDirectory();
  await heirs.record();
  expect(await heirs.findNewOwner()).toBeUndefined();
});
