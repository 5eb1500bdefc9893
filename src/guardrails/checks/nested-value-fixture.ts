import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from '#lib/extension-kit';

/** Places in results, prompts, resources and arguments in which a text may be. */
const PLACES: readonly ((text: string) => JsonObject)[] = [
  (text) => ({ content: [{ type: 'text', text }] }),
  (text) => ({ content: [{ type: 'resource', resource: { uri: 'file:///a', text } }] }),
  (text) => ({ content: [{ type: 'resource', resource: { uri: 'file:///a', blob: toBase64(text) } }] }),
  (text) => ({ content: [{ type: 'resource_link', uri: `https://example.org/ ${text}`, name: 'n' }] }),
  (text) => ({ content: [], structuredContent: { rows: [{ a: 1 }, { b: [[text]] }] } }),
  (text) => ({ content: [], structuredContent: { [text]: 1 } }),
  (text) => ({ messages: [{ role: 'user', content: { type: 'text', text } }] }),
  (text) => ({ contents: [{ uri: 'file:///a', text }] }),
  (text) => ({ contents: [{ uri: 'file:///a', mimeType: 'text/plain', blob: toBase64(text) }] }),
  (text) => ({ completion: { values: ['a', text] } }),
  (text) => ({ query: { filter: { any: [text] } }, _meta: { 'acme/x': text } }),
];

const toBase64 = (text: string): string => Buffer.from(text).toString('base64');

/** Values that contain a text somewhere, with other words around it. */
export const valuesWith = (planted: fc.Arbitrary<string>): fc.Arbitrary<{ value: JsonObject; planted: string }> =>
  fc
    .record({
      planted,
      place: fc.constantFrom(...PLACES),
      before: fc.constantFrom('', ' ', 'value: ', 'see "', '(', '\n', 'é '),
      after: fc.constantFrom('', ' ', '.', '"', ')', '\n', ', and more', ' é'),
    })
    .map(({ planted: text, place, before, after }) => ({ value: place(before + text + after), planted: text }));

/** All texts of a value, joined; those of blobs as text. */
export function textsOf(value: JsonValue | undefined): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .flatMap(([name, member]) => {
      const isBlob = name === 'blob' && typeof member === 'string';
      const shown = isBlob ? Buffer.from(member, 'base64').toString() : textsOf(member);
      return [name, shown];
    })
    .join('\n');
}
