import { expect, it } from '@jest/globals';
import { toTerminalLine, toTerminalText } from './terminal-text.js';

const TEXT = 'a\u001B[2J\tb\r\nc\u009B\u007F\u202E\u2066d';

it('a line for the terminal has no control characters and no change of direction', () => {
  expect(toTerminalLine(TEXT)).toBe('a [2J b  c    d');
});

it('a text for the terminal keeps its lines and tabs, and no other control characters', () => {
  expect(toTerminalText(TEXT)).toBe('a [2J\tb \nc    d');
});
