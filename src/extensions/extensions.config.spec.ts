import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '#lib/config';
import { ExtensionsConfig } from './extensions.config.js';

const load = (deadline?: string) =>
  loadConfig([ExtensionsConfig], deadline === undefined ? {} : { ISTHMUS_EXTENSION_DEADLINE_MS: deadline })[0];

describe('ISTHMUS_EXTENSION_DEADLINE_MS', () => {
  it('is five seconds by default', () => expect(load().extensionDeadlineMs).toBe(5_000));

  it.each(['1', '2147483647'])('accepts %s', (text) => expect(load(text).extensionDeadlineMs).toBe(Number(text)));

  // A timer of Node that is longer than the maximum would end at once.
  it.each(['0', '-1', '1.5', 'soon', '2147483648'])('rejects %s', (text) => {
    expect(() => load(text)).toThrow('ISTHMUS_EXTENSION_DEADLINE_MS');
  });
});
