import { describe, expect, it } from '@jest/globals';
import type { Definition } from '../items/index.js';
import type { DecisionKind } from './decision.js';
import type { Judgement } from './judgement.js';
import { KeptJudgements } from './kept-judgements.js';

const definitionOf = (name: string): Definition => ({ name, definition: { name }, digest: name });

const judgementOf = (decision: DecisionKind): Judgement => ({
  value: {},
  decisions: [{ guardrail: 'one', check: 'word', phase: 'definitions', mode: 'enforce', decision, findings: [] }],
});

describe('KeptJudgements', () => {
  it('lets a check that failed judge again after 30 seconds, and others until the guardrails change', () => {
    const kept = new KeptJudgements();
    const [failed, passed] = [definitionOf('failed'), definitionOf('passed')];
    kept.keep(failed, 'failed', judgementOf('failed'), 0);
    kept.keep(passed, 'passed', judgementOf('passed'), 0);
    expect(kept.findCurrent(failed, 'failed', 29_999)).toBeDefined();
    expect(kept.findCurrent(failed, 'failed', 30_000)).toBeUndefined();
    expect(kept.find(failed, 'failed')).toBeDefined();
    expect(kept.findCurrent(passed, 'passed', Number.MAX_SAFE_INTEGER)).toBeDefined();
  });

  it('forgets no judgement of a definition that is in use, however many others there are', () => {
    const kept = new KeptJudgements();
    const used = definitionOf('used');
    kept.keep(used, 'used', judgementOf('passed'), 0);
    for (let number = 0; number < 50_000; number += 1)
      kept.keep(definitionOf('other'), String(number), judgementOf('passed'), 0);
    expect(kept.findCurrent(used, 'used', 0)).toBeDefined();
    expect(kept.findCurrent(definitionOf('used'), 'used', 0)).toBeUndefined();
  });
});
