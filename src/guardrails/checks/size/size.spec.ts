import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { JsonObject } from '#lib/extension-kit';
import { createSubject, kindsOf, textResult } from '../subject-fixture.js';
import { cutText } from './cut-text.js';
import { SizeCheck } from './index.js';

const check = new SizeCheck();
const OPTIONS = { maxCharacters: 100, maxBinaryBytes: 30, maxItems: 3 };
const judge = (value: JsonObject) => check.check(createSubject(value), OPTIONS);
const text = (length: number) => ({ type: 'text', text: 'x'.repeat(length) });
const base64 = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64');

describe('the check size', () => {
  it.each<[string, JsonObject]>([
    ['text', textResult('x'.repeat(100))],
    ['texts', { content: [text(50), text(50)] }],
    ['an image', { content: [{ type: 'image', mimeType: 'image/png', data: base64(30) }] }],
    ['structured content', { content: [], structuredContent: { a: 'x'.repeat(90) } }],
    [
      'a resource',
      {
        contents: [
          { uri: 'a:b', text: 'x'.repeat(100) },
          { uri: 'a:c', blob: base64(30) },
        ],
      },
    ],
    ['a prompt', { messages: [{ role: 'user', content: text(100) }] }],
    ['a completion', { completion: { values: ['a', 'b', 'c', 'd'] } }],
  ])('passes %s within the bounds', (_name, value) => {
    expect(judge(value)).toEqual({ action: 'pass' });
  });

  it('cuts texts whose total exceeds the bound, in their order, and says so', () => {
    const verdict = judge({
      content: [text(60), text(60), { type: 'resource', resource: { uri: 'a:b', text: 'yy' } }],
    });
    const shown = 'x'.repeat(40);
    expect(verdict).toEqual({
      action: 'change',
      value: {
        content: [
          text(60),
          { type: 'text', text: `${shown}\n[The gateway left out 20 of 60 characters.]` },
          { type: 'resource', resource: { uri: 'a:b', text: '\n[The gateway left out 2 of 2 characters.]' } },
        ],
      },
      findings: [{ kind: 'long-text', count: 2 }],
    });
  });

  it('cuts messages of prompts and contents of resources', () => {
    expect(kindsOf(judge({ messages: [{ role: 'user', content: [text(150)] }] }))).toEqual(['long-text 1']);
    expect(kindsOf(judge({ contents: [{ uri: 'a:b', text: 'x'.repeat(101) }] }))).toEqual(['long-text 1']);
  });

  it('leaves out content beyond the bound, with a note', () => {
    const verdict = judge({ content: [text(1), text(2), text(3), text(4), text(5)], isError: false });
    const note = '[The gateway left out 2 further parts of this result.]';
    expect(verdict).toMatchObject({
      value: { content: [text(1), text(2), text(3), { type: 'text', text: note }], isError: false },
    });
  });

  it.each<[string, JsonObject, string]>([
    ['an image', { content: [{ type: 'image', data: base64(31) }] }, 'large-binary 1'],
    [
      'a blob in content',
      { content: [{ type: 'resource', resource: { uri: 'a:b', blob: base64(31) } }] },
      'large-binary 1',
    ],
    ['a blob of a resource', { contents: [{ uri: 'a:b', blob: base64(31) }] }, 'large-binary 1'],
    ['an image in a prompt', { messages: [{ content: { type: 'image', data: base64(31) } }] }, 'large-binary 1'],
    ['structured content', { structuredContent: { a: 'x'.repeat(100) } }, 'large-structured-content 1'],
    ['messages', { messages: [1, 2, 3, 4].map(() => ({ role: 'user', content: text(1) })) }, 'many-items 1'],
  ])('refuses %s beyond the bound, which cannot be cut', (_name, value, kind) => {
    const verdict = judge(value);
    expect(verdict.action).toBe('refuse');
    expect(kindsOf(verdict)).toEqual([kind]);
  });

  it.each([
    ['a😀b', 2, 'a'],
    ['e\u0301e\u0301', 3, 'e\u0301'],
    ['a👨‍👩‍👧b', 7, 'a'],
    ['👍🏽', 3, ''],
    ['abc', 0, ''],
  ])('cuts %j at %i before a character that would be divided', (whole, length, shown) => {
    expect(cutText(whole, length)).toBe(shown);
  });

  it('cuts any text to a well-formed beginning within the bound', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.nat(60), (whole, length) => {
        const shown = cutText(whole, length);
        expect(whole.startsWith(shown)).toBe(true);
        expect(shown.length).toBeLessThanOrEqual(length);
        expect(shown.isWellFormed()).toBe(true);
      }),
    );
  });
});
