import { describe, expect, it } from '@jest/globals';
import { capabilityOf, capabilityOfQuestion, isListMethod, metaOf } from './methods.js';

describe('methods', () => {
  it('that read lists are recognized, names of object built-ins are not', () => {
    for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
      expect(isListMethod(method)).toBe(true);
    }
    for (const method of ['tools/call', 'roots/list', 'toString', '__proto__'])
      expect(isListMethod(method)).toBe(false);
  });

  it('belong to the capability of their family', () => {
    expect(['tools/call', 'resources/templates/list', 'completion/complete'].map(capabilityOf)).toStrictEqual([
      'tools',
      'resources',
      'completions',
    ]);
  });

  it('that ask the client a question need a capability of the client', () => {
    const questions = ['elicitation/create', 'sampling/createMessage', 'roots/list', 'ping'];
    expect(questions.map(capabilityOfQuestion)).toStrictEqual(['elicitation', 'sampling', 'roots', undefined]);
  });

  it('have an empty _meta if theirs is missing or not an object', () => {
    const meta = { traceparent: 't' };
    expect(metaOf({ _meta: meta })).toBe(meta);
    for (const other of [{}, { _meta: null }, { _meta: [] }, { _meta: 'x' }]) expect(metaOf(other)).toStrictEqual({});
  });
});
