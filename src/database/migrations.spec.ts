import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { MIGRATIONS } from './migrations/index.js';

it('MIGRATIONS lists every migration file under its name, numbered without a gap', async () => {
  const files = await readdir(join(import.meta.dirname, 'migrations'));
  const names = files.filter((file) => /^\d/.test(file)).map((file) => file.replace(/\.ts$/, ''));
  expect(MIGRATIONS.map(({ name }) => name)).toEqual(names.toSorted());
  expect(names.toSorted().map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, index) => index + 1));
});
