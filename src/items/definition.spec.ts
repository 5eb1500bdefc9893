import { expect, it } from '@jest/globals';
import { findSuspicions } from './definition-scan.js';
import { toDefinition, findDifferences } from './definition.js';

const TOOL = { name: 'a', description: 'A.', inputSchema: { type: 'object', properties: { x: { type: 'string' } } } };

it('a definition has the same digest for equal content, and another digest for every change that a model could see', () => {
  const { digest } = toDefinition('tools', TOOL)!;
  const { inputSchema, ...rest } = TOOL;
  expect(toDefinition('tools', { inputSchema, ...rest, _meta: { served: 1 }, icons: [] })?.digest).toBe(digest);
  for (const more of [
    { description: 'A' },
    { title: 'A' },
    { annotations: { readOnlyHint: true } },
    { outputSchema: {} },
  ]) {
    expect(toDefinition('tools', { ...TOOL, ...more })?.digest).not.toBe(digest);
  }
  for (const nothing of [null, 'a', [], {}, { name: 1 }]) expect(toDefinition('tools', nothing)).toBeUndefined();
});

it('differences between two definitions are listed by path', () => {
  const other = { ...TOOL, title: 'T', inputSchema: { type: 'object', properties: { x: { type: 'number' }, y: {} } } };
  expect(findDifferences(TOOL, other)).toEqual([
    { path: 'inputSchema.properties.x.type', before: 'string', after: 'number' },
    { path: 'inputSchema.properties.y', after: {} },
    { path: 'title', after: 'T' },
  ]);
  expect(findDifferences(TOOL, structuredClone(TOOL))).toEqual([]);
});

it('of a definition above 128 KiB only name and digest are kept, and every change of it changes the digest', () => {
  const long = (end: string) => toDefinition('tools', { ...TOOL, description: 'x'.repeat(128 * 1024) + end })!;
  expect(JSON.stringify(long('a').definition).length).toBeLessThan(200);
  expect(long('a')).toMatchObject({ name: 'a', definition: { name: 'a' } });
  expect(findSuspicions(long('a').definition)).toEqual(['The definition is too long to be scanned.']);
  expect(long('a').digest).not.toBe(long('b').digest);
});
