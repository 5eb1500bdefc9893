import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { PRODUCT } from './product.js';

it('PRODUCT has the name and version of package.json', async () => {
  const { name, version } = JSON.parse(await readFile('package.json', 'utf8')) as typeof PRODUCT;
  expect(PRODUCT).toEqual({ name, version });
});
