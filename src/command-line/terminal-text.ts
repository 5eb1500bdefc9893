/** Control characters, and the characters that change the direction of the text around them. */
const CONTROLS = /[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu;

/** One line of a foreign text, which must not control the terminal. */
export const toTerminalLine = (text: string): string => text.replace(CONTROLS, ' ');

/** A foreign text of several lines, which must not control the terminal. */
export const toTerminalText = (text: string): string =>
  text.replace(CONTROLS, (character) => (character === '\n' || character === '\t' ? character : ' '));
