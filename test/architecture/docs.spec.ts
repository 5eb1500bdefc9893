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

describe('docs/security.md', () => {
  const page = readFileSync(join(PROJECT, 'docs/security.md'), 'utf8');
  /** The entries `- **T1.** promise`, each with everything up to the next one. */
  const promises = [...page.matchAll(/^- \*\*([A-Z])(\d+)\.\*\* .*\n(?: {2}.*\n)+/gm)].map(([text, group, number]) => ({
    id: `${group}${number}`,
    group,
    number: Number(number),
    keptBy: linksOf(/^ {2}- Kept by:(.*(?:\n {4}.*)*)$/m.exec(text)?.[1]),
    tests: linksOf(/^ {2}- Tests:(.*(?:\n {4}.*)*)$/m.exec(text)?.[1]),
  }));

  function linksOf(text = ''): { shown: string; target: string }[] {
    return [...text.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(([, shown = '', target = '']) => ({ shown, target }));
  }

  it('is read completely', () => {
    expect(promises.length).toBeGreaterThanOrEqual(85);
    expect(promises).toHaveLength([...page.matchAll(/\*\*[A-Z]\d+\.\*\*/g)].length);
  });

  it('numbers the promises of each group from 1 without gaps', () => {
    const expected = promises.map(({ group }, index) => {
      const earlier = promises.slice(0, index).filter((each) => each.group === group);
      return `${group}${earlier.length + 1}`;
    });
    expect(promises.map(({ id }) => id)).toEqual(expected);
  });

  it('names for each promise what keeps it, and at least one test', () => {
    const unproven = promises.filter(({ keptBy, tests }) => keptBy.length === 0 || tests.length === 0);
    expect(unproven.map(({ id }) => id)).toEqual([]);
  });

  it('names only tests that exist, by their paths', () => {
    const wrong = promises.flatMap(({ id, tests }) =>
      tests
        .filter(({ shown, target }) => {
          return target !== `../${shown}` || !/\.(spec|e2e)\.ts$/.test(shown) || !existsSync(join(PROJECT, shown));
        })
        .map(({ shown }) => `${id}: ${shown}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each(['docs/security.md', 'SECURITY.md'])('has every promise that %s refers to', (path) => {
    const text = readFileSync(join(PROJECT, path), 'utf8');
    const ids = new Set(promises.map(({ id }) => id));
    const referred = [...text.matchAll(/(?<![\w-])[A-Z]\d+(?![\w])/g)].map(([id]) => id);
    expect(referred.filter((id) => !ids.has(id))).toEqual([]);
    expect(referred.length).toBeGreaterThan(20);
  });

  it('refers to every promise from the party against which it is made', () => {
    const parties = page.slice(page.indexOf('## Parties'), page.indexOf('## Out of scope'));
    const covered = new Set(
      [...parties.matchAll(/([A-Z])(\d+)(?:–\1(\d+))?/g)].flatMap(([, group, from, to]) =>
        promises.filter(
          (each) => each.group === group && each.number >= Number(from) && each.number <= Number(to ?? from),
        ),
      ),
    );
    expect(promises.filter((promise) => !covered.has(promise)).map(({ id }) => id)).toEqual([]);
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
