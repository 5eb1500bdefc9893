import { describe, expect, it } from '@jest/globals';
import { toLegacyAnswer, toLegacyQuestion, toModernQuestion, toUrlElicitations } from './questions.js';

describe("a legacy server's question for a modern client", () => {
  it('lacks the members that need an open stream', () => {
    const params = { mode: 'url', url: 'https://example.com', message: 'Go', elicitationId: 'e1', task: { ttl: 1 } };
    expect(toModernQuestion({ method: 'elicitation/create', params })).toEqual({
      method: 'elicitation/create',
      params: { mode: 'url', url: 'https://example.com', message: 'Go' },
    });
  });

  it('keeps vendor metadata and lacks the progress token', () => {
    const _meta = { progressToken: 7, 'vendor/x': 1 };
    expect(toModernQuestion({ method: 'roots/list', params: { _meta } }).params).toEqual({ _meta: { 'vendor/x': 1 } });
    expect(toModernQuestion({ method: 'roots/list', params: { _meta: { progressToken: 7 } } }).params).toEqual({});
  });
});

describe("a modern server's question for a legacy client", () => {
  it('has an elicitation id if it leads to a URL', () => {
    const visit = { method: 'elicitation/create', params: { mode: 'url', url: 'https://example.com', message: 'Go' } };
    const [one, other] = [toLegacyQuestion(visit), toLegacyQuestion(visit)];
    expect(one.params).toEqual({ ...visit.params, elicitationId: expect.stringMatching(/^[\w-]{36}$/) });
    expect(one.params['elicitationId']).not.toBe(other.params['elicitationId']);
  });

  it('is unchanged if it does not lead to a URL', () => {
    const form = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: {} } };
    expect(toLegacyQuestion(form)).toEqual(form);
  });
});

describe("a modern client's answer for a legacy server", () => {
  it('is unchanged if it is valid', () => {
    for (const action of ['accept', 'decline', 'cancel']) {
      expect(toLegacyAnswer('elicitation/create', { action })).toEqual({ action });
    }
    const roots = { roots: [{ uri: 'file:///srv' }] };
    expect(toLegacyAnswer('roots/list', roots)).toBe(roots);
    const message = { role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } };
    expect(toLegacyAnswer('sampling/createMessage', message)).toBe(message);
  });

  it('has a single block instead of an array with one block', () => {
    const block = { type: 'text', text: 'hi' };
    const message = { role: 'assistant', model: 'm', content: [block] };
    expect(toLegacyAnswer('sampling/createMessage', message)).toEqual({ ...message, content: block });
    const two = { ...message, content: [block, block] };
    expect(toLegacyAnswer('sampling/createMessage', two)).toBe(two);
  });

  it.each([
    ['elicitation/create', 1],
    ['elicitation/create', null],
    ['elicitation/create', { action: 'maybe' }],
    ['elicitation/create', { action: 'accept', content: 'text' }],
    ['elicitation/create', { roots: [] }],
    ['sampling/createMessage', { role: 'assistant', content: {} }],
    ['sampling/createMessage', { role: 'assistant', model: 'm', content: 'text' }],
    ['roots/list', { roots: {} }],
    ['tasks/get', {}],
  ])('is invalid for %s: %j', (method, value) => {
    expect(toLegacyAnswer(method, value)).toBeUndefined();
  });
});

describe('URL elicitations that a legacy server requires before a call', () => {
  const elicitation = { mode: 'url', elicitationId: 'e1', url: 'https://example.com/consent', message: 'Please' };
  const error = { code: -32042, message: 'A URL has to be visited first', data: { elicitations: [elicitation] } };

  it('become questions of the modern era', () => {
    const { elicitationId: _id, ...params } = elicitation;
    expect(toUrlElicitations(error)).toEqual({ 'visit-1': { method: 'elicitation/create', params } });
  });

  it('are absent in other errors, and in errors that name none', () => {
    expect(toUrlElicitations({ ...error, code: -32000 })).toBeUndefined();
    expect(toUrlElicitations({ code: -32042, message: 'x' })).toBeUndefined();
    expect(toUrlElicitations({ ...error, data: { elicitations: [{ mode: 'form' }, 1] } })).toBeUndefined();
  });
});
