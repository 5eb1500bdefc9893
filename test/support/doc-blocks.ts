import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A fenced block of a page. */
export interface DocBlock {
  /** `sh` is run by a test; `console` is for the reader. */
  readonly language: string;
  /** The nearest heading above it. */
  readonly heading: string;
  readonly text: string;
}

const BLOCK = /^(#+ .*)$|^( *)```(\w*)\n([\s\S]*?)^ *```$/gm;

/** The fenced blocks of a page, in order. Blocks within a list lose their indentation. */
export function readDocBlocks(page: string): DocBlock[] {
  const text = readFileSync(join(process.cwd(), page), 'utf8');
  const blocks: DocBlock[] = [];
  let heading = '';
  for (const [, title, indentation = '', language = '', body = ''] of text.matchAll(BLOCK)) {
    if (title === undefined)
      blocks.push({ language, heading, text: body.replaceAll(new RegExp(`^${indentation}`, 'gm'), '') });
    else heading = title.replace(/^#+ /, '');
  }
  return blocks;
}

/** The commands of a page that a test runs, as one script. */
export const readCommands = (page: string): string =>
  readDocBlocks(page)
    .filter(({ language }) => language === 'sh')
    .map(({ text }) => text)
    .join('');

/** The commands of a page that are only shown, one a line. */
export const readShownCommands = (page: string): string[] =>
  readDocBlocks(page)
    .filter(({ language }) => language === 'console')
    .flatMap(({ text }) => text.trim().split('\n'));
