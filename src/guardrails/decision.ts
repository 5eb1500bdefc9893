import type { GuardrailFinding, GuardrailPhase } from '#lib/extension-kit';
import type { GuardrailMode } from '../registry/index.js';

/**
 * What a guardrail decided about a value. `asked`: the request ended with its question to the caller or an admin, or it would ask them and
 * only observes. `failed`: its check threw, exceeded its deadline or broke its contract, or is not loaded.
 */
export type DecisionKind = 'passed' | 'changed' | 'refused' | 'asked' | 'failed';

/** The decision of one guardrail about one value. In the mode `observe` nothing followed from it. */
export interface Decision {
  readonly guardrail: string;
  readonly check: string;
  readonly phase: GuardrailPhase;
  readonly mode: GuardrailMode;
  readonly decision: DecisionKind;
  /** One sentence without the value. Absent for a value that passed or was changed. */
  readonly reason?: string;
  readonly findings: readonly GuardrailFinding[];
}
