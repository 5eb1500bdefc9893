import { describe, expect, it } from '@jest/globals';
import { readDocument } from './read-document.js';

/** A document with so many schemas that it is parsed in a thread. */
const toLongYaml = (end = '') =>
  ['openapi: 3.0.3', 'info: { title: Long, version: "1" }', 'paths: {}', 'components:', '  schemas:']
    .concat(Array.from({ length: 5_000 }, (_, index) => `    S${index}: { type: object, maximum: ${index} }`))
    .join('\n') + end;

describe('a long document in YAML', () => {
  it('is read while other work goes on', async () => {
    const events: string[] = [];
    const reading = readDocument(toLongYaml()).then((document) => {
      events.push('read');
      return document;
    });
    await new Promise((resolve) => setImmediate(resolve));
    events.push('other work');
    expect(await reading).toMatchObject({ components: { schemas: { S4999: { type: 'object', maximum: 4999 } } } });
    expect(events).toEqual(['other work', 'read']);
  });

  it.each([
    ['\n  x: [', /^The document is neither JSON nor YAML: .+ at line 500\d\.$/],
    ['\nx: &a [*a]', /too large or too deep|neither JSON nor YAML/],
    [`\na: &a [1,1,1,1,1,1,1,1]\n${aliases('abcdefgh')}`, /^The document is too large or too deep/],
  ])('is refused with the reason where it ends with %j', async (end, reason) => {
    await expect(readDocument(toLongYaml(end))).rejects.toThrow(reason);
  });

  it('is read after another one was refused', async () => {
    const refused = readDocument(toLongYaml('\n  x: [')).catch((cause: Error) => cause.name);
    const read = readDocument(toLongYaml());
    expect([await refused, Object.keys(await read)]).toEqual([
      'UnreadableDocument',
      ['openapi', 'info', 'paths', 'components'],
    ]);
  });
});

/** Lists each of which has the previous one eight times. */
function aliases(names: string): string {
  const lines = Array.from(names)
    .slice(1)
    .map((name, index) => `${name}: &${name} [${`*${names[index]},`.repeat(8)}]`);
  return lines.join('\n');
}
