import type { Scenario } from './scenario.js';

/** Scenarios that once broke an invariant, and what was wrong. */
export const REGRESSIONS: readonly { readonly what: string; readonly scenario: Scenario }[] = [];
