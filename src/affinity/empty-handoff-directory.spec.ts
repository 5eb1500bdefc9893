import { expect, it } from '@jest/globals';
import { EmptyHandoffDirectory } from './empty-handoff-directory.js';

it('the directory of a single worker has no handoffs', async () => {
  const directory = new EmptyHandoffDirectory();
  await directory.record();
  expect(await directory.findNewOwner()).toBeUndefined();
});
