import { describe, expect, it } from '@jest/globals';
import { errorForEra } from './error-translation.js';

describe('an error of the other era', () => {
  it('about a missing resource gets the modern code for a modern client', () => {
    const error = { code: -32002, message: 'Resource not found', data: { uri: 'file:///a' } };
    expect(errorForEra(error, 'modern', 'resources/read')).toStrictEqual({ ...error, code: -32602 });
    expect(errorForEra(error, 'modern', 'tools/call')).toBe(error);
  });

  it('about a missing resource gets the legacy code for a legacy client', () => {
    const named = { code: -32602, message: 'Nope', data: { uri: 'file:///a' } };
    expect(errorForEra(named, 'legacy', 'resources/read')).toStrictEqual({ ...named, code: -32002 });
    const described = { code: -32602, message: 'Resource file:///a not found' };
    expect(errorForEra(described, 'legacy', 'resources/read')).toStrictEqual({ ...described, code: -32002 });
  });

  it('about other invalid params keeps its code', () => {
    const error = { code: -32602, message: 'Invalid params: uri must be a string' };
    expect(errorForEra(error, 'legacy', 'resources/read')).toBe(error);
    const unknownTool = { code: -32602, message: 'Tool x not found' };
    expect(errorForEra(unknownTool, 'legacy', 'tools/call')).toBe(unknownTool);
  });

  it('with a code unknown to a legacy client becomes an explanation', () => {
    const missing = {
      code: -32021,
      message: '',
      data: { requiredCapabilities: { sampling: {}, elicitation: { url: {} } } },
    };
    expect(errorForEra(missing, 'legacy', 'tools/call')).toStrictEqual({
      code: -31004,
      message: 'The server needs a capability that the client did not declare: sampling, elicitation.url.',
      data: { outcome: 'not_executed', retriable: false },
    });
    const other = { code: -32022, message: '', data: { supported: ['2027-01-01'] } };
    expect(errorForEra(other, 'legacy', 'tools/call').message).toContain('It speaks 2027-01-01.');
    for (const code of [-32020, -32021, -32022]) {
      expect(errorForEra({ code, message: 'x' }, 'legacy', 'tools/call')).toMatchObject({
        code: -31004,
        data: { outcome: 'not_executed', retriable: false },
      });
    }
  });

  it('about a required URL elicitation becomes a missing capability for a modern client', () => {
    const error = { code: -32042, message: 'Sign in first', data: { elicitations: [] } };
    expect(errorForEra(error, 'modern', 'tools/call')).toStrictEqual({
      code: -32021,
      message: 'Sign in first',
      data: { requiredCapabilities: { elicitation: { url: {} } } },
    });
  });

  it.each([-32601, -32603, -31004, -32000, 42])('with code %i is unchanged', (code) => {
    const error = { code, message: 'x', data: { any: 'thing' } };
    expect(errorForEra(error, 'modern', 'resources/read')).toBe(error);
    expect(errorForEra(error, 'legacy', 'resources/read')).toBe(error);
  });
});
