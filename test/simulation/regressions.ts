import type { PlannedRequest, Scenario } from './scenario.js';

const CALL: PlannedRequest = { at: 0, via: 1, session: 0, behaviour: 'ok', workMs: 0, steps: 0, budgetMs: 2_000 };

/** Scenarios that once violated an invariant, each with the fault. */
export const REGRESSIONS: readonly { readonly what: string; readonly scenario: Scenario }[] = [
  {
    what: 'a thawed owner executed forwarded calls before it learned that it was fenced',
    scenario: {
      seed: -17,
      clocks: [1, 1, 1],
      ageMs: 8_000,
      maxLatencyMs: 1,
      lagMs: 0,
      isCluster: true,
      sessions: [0],
      requests: [
        { ...CALL, at: 4_500 },
        { ...CALL, at: 4_506, via: 2 },
      ],
      faults: [{ kind: 'freeze', worker: 0, at: 0, ms: 4_511 }],
    },
  },
];
