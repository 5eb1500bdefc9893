import { expect, it } from '@jest/globals';
import { toTokenCommand } from './token-command.js';

it.each([
  ['in a project', '/team/node_modules/.bin/isthmus', 'npx isthmus token'],
  ['in the search path', '/usr/local/bin/isthmus', 'isthmus token'],
  ['started as a file', '/app/bin/isthmus.mjs', 'node /app/bin/isthmus.mjs token'],
])('names a command for tokens that works where the program is installed: %s', (_, script, command) => {
  expect(toTokenCommand(script)).toBe(command);
});
