import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A fenced block of a page. */
export interface DocBlock {
  /** `sh` is run by a test; `console` is for the reader. */
  readonly language: string;
  /** The file that the block contains, as its title (`json title="package.json"`) or the comment in its first line names it. */
  readonly file?: string;
  /** The nearest heading above it. */
  readonly heading: string;
  readonly text: string;
}

const BLOCK = /^(#+ .*)$|^( *)```(\w*)(?: title="([^"]+)")?\n([\s\S]*?)^ *```$/gm;
const NAMING_COMMENT = /^(?:\/\/|#) (\S+\.(?:[cm]?[jt]s|ya?ml|proto))\n/;

/** The fenced blocks of a page, in order. Blocks within a list lose their indentation. */
export function readDocBlocks(page: string): DocBlock[] {
  const blocks: DocBlock[] = [];
  let heading = '';
  for (const [, headingLine, indentation = '', language = '', title, body = ''] of readPage(page).matchAll(BLOCK)) {
    if (headingLine !== undefined) {
      heading = headingLine.replace(/^#+ /, '');
      continue;
    }
    const text = body.replaceAll(new RegExp(`^${indentation}`, 'gm'), '');
    const file = title ?? NAMING_COMMENT.exec(text)?.[1];
    blocks.push({ language, heading, text, ...(file !== undefined && { file }) });
  }
  return blocks;
}

const readPage = (page: string): string => readFileSync(join(process.cwd(), page), 'utf8');

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
