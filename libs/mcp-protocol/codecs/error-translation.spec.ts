import { describe, expect, it } from '@jest/globals';
import { errorForEra } from './error-translation.js';

describe('an error of the other era', () => {
  it('says to a modern client that a resource is missing as that era does', () => {
    const error = { code: -32002, message: 'Resource not found', data: { uri: 'file:///a' } };
    expect(errorForEra(error, 'modern', 'resources/read')).toStrictEqual({ ...error, code: -32602 });
    expect(errorForEra(error, 'modern', 'tools/call')).toBe(error);
  });

  it('says to a legacy client that a resource is missing as that era does', () => {
    const named = { code: -32602, message: 'Nope', data: { uri: 'file:///a' } };
    expect(errorForEra(named, 'legacy', 'resources/read')).toStrictEqual({ ...named, code: -32002 });
    const told = { code: -32602, message: 'Resource file:///a not found' };
    expect(errorForEra(told, 'legacy', 'resources/read')).toStrictEqual({ ...told, code: -32002 });
  });

  it('keeps invalid params that are just that', () => {
    const error = { code: -32602, message: 'Invalid params: uri must be a string' };
    expect(errorForEra(error, 'legacy', 'resources/read')).toBe(error);
    const unknownTool = { code: -32602, message: 'Tool x not found' };
    expect(errorForEra(unknownTool, 'legacy', 'tools/call')).toBe(unknownTool);
  });

  it('tells a legacy client what is missing instead of a code it does not know', () => {
    const missing = { code: -32021, message: '', data: { requiredCapabilities: { sampling: {}, roots: {} } } };
    expect(errorForEra(missing, 'legacy', 'tools/call')).toStrictEqual({
      code: -31004,
      message: 'The server needs a capability that the client did not declare: sampling, roots.',
      data: { outcome: 'not_executed', retriable: false },
    });
    for (const code of [-32020, -32021, -32022]) {
      expect(errorForEra({ code, message: 'x' }, 'legacy', 'tools/call')).toMatchObject({
        code: -31004,
        data: { outcome: 'not_executed', retriable: false },
      });
    }
  });

  it('asks a modern client for the capability that a legacy server missed', () => {
    const error = { code: -32042, message: 'Sign in first', data: { elicitations: [] } };
    expect(errorForEra(error, 'modern', 'tools/call')).toStrictEqual({
      code: -32021,
      message: 'Sign in first',
      data: { requiredCapabilities: { elicitation: { url: {} } } },
    });
  });

  it.each([-32601, -32603, -31004, -32000, 42])('keeps %i', (code) => {
    const error = { code, message: 'x', data: { any: 'thing' } };
    expect(errorForEra(error, 'modern', 'resources/read')).toBe(error);
    expect(errorForEra(error, 'legacy', 'resources/read')).toBe(error);
  });
});
