import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayCode } from '#lib/mcp-protocol';
import { PROJECT, sourceFiles } from './source-files.js';

/** A row of the table of gateway codes: code, name, HTTP status, meaning, advice. */
const ROW = /^\| *(-31\d{3}) *\| *`(\w+)` *\| *(\d{3}(?:, \d{3})*) *\|([^|]*)\|([^|]*)\|$/;

describe('docs/errors.md', () => {
  const table = readFileSync(join(PROJECT, 'docs/errors.md'), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const row = ROW.exec(line);
      return row ? [{ code: Number(row[1]), name: row[2], meaning: row[4]?.trim(), advice: row[5]?.trim() }] : [];
    });

  it('lists every error code of the gateway exactly once under its name', () => {
    expect(Object.fromEntries(table.map(({ name, code }) => [name, code]))).toEqual(GatewayCode);
    expect(table).toHaveLength(Object.keys(GatewayCode).length);
  });

  it('states the meaning and the advice for each code', () => {
    expect(table.filter(({ meaning, advice }) => !meaning || !advice)).toEqual([]);
  });
});

describe('docs/glossary.md', () => {
  /** A row: the noun, its meaning, and the file that owns it. */
  const row = /^\| \*\*([^*]+)\*\* *\| ([^|]+?) *\| \[([^\]]+)\]\(\.\.\/([^)]+)\) *\|$/;
  const rows = readFileSync(join(PROJECT, 'docs/glossary.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| **'))
    .map((line) => row.exec(line) ?? [line]);

  it('gives every noun a meaning and one file that exists', () => {
    const incomplete = rows.filter(([, , meaning, shown, file]) => {
      return !meaning || !file || shown !== file || !existsSync(join(PROJECT, file));
    });
    expect(incomplete.map(([line]) => line)).toEqual([]);
    expect(rows.length).toBeGreaterThanOrEqual(20);
  });

  it('explains every noun once', () => {
    const nouns = rows.map(([, noun]) => noun);
    expect(new Set(nouns).size).toBe(nouns.length);
  });
});

describe('links between documentation pages', () => {
  it('lead to existing files', () => {
    const pages = sourceFiles().filter(({ path }) => path.endsWith('.md'));
    const broken = pages.flatMap(({ path, lines }) =>
      [...lines.join('\n').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(join(PROJECT, path, '..', target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});
