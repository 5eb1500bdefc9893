import { describe, expect, it } from '@jest/globals';
import { toAskingValue, withAskingValue } from './asking-value.js';

const FORM = { method: 'elicitation/create', params: { message: 'Who?' } };
const ASKING = { resultType: 'input_required', inputRequests: { who: FORM }, requestState: 's' };

describe('a result with questions', () => {
  it('has nothing to judge besides its questions and its state', () => {
    expect(toAskingValue(ASKING)).toBeUndefined();
    expect(toAskingValue({ resultType: 'input_required', requestState: 's' })).toBeUndefined();
  });

  it('is judged by its other members, and those of its questions', () => {
    const hint = { ...FORM, hint: 'text' };
    expect(toAskingValue({ ...ASKING, note: 'text', inputRequests: { who: FORM, why: hint } })).toEqual({
      resultType: 'input_required',
      note: 'text',
      inputRequests: { why: { hint: 'text' } },
    });
  });

  it('keeps its questions and its state, whatever a check makes of the rest', () => {
    const given = { ...ASKING, note: 'text', inputRequests: { who: { ...FORM, hint: 'text' }, why: FORM } };
    const judged = {
      resultType: 'complete',
      requestState: 'x',
      note: '***',
      inputRequests: { who: { hint: '***', method: 'x' }, other: { hint: 'y' } },
    };
    expect(withAskingValue(given, judged)).toEqual({
      ...ASKING,
      note: '***',
      inputRequests: { who: { ...FORM, hint: '***' }, why: FORM },
    });
    expect(withAskingValue(given, {})).toEqual({ ...ASKING, inputRequests: { who: FORM, why: FORM } });
  });
});
