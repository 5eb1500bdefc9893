import type { GuardrailPhase } from '#lib/extension-kit';

/** `observe` records what would have happened and changes nothing; `off` does not run. */
export const GUARDRAIL_MODES = ['enforce', 'observe', 'off'] as const;
export type GuardrailMode = (typeof GUARDRAIL_MODES)[number];

/** What happens to a value when the check fails or exceeds its deadline. */
export const GUARDRAIL_FAILURES = ['refuse', 'pass'] as const;
export type GuardrailFailure = (typeof GUARDRAIL_FAILURES)[number];

/** A check with its options, and the calls and definitions that it judges. `*` in patterns matches any run of characters. */
export interface GuardrailDefinition {
  readonly slug: string;
  /** Name of the check. */
  readonly check: string;
  readonly mode: GuardrailMode;
  /** Guardrails with a lower number run first; equal numbers in the order of their slugs. */
  readonly order: number;
  /** Slugs of servers. Absent: all. */
  readonly servers?: readonly string[];
  /** Names of tools, as their servers define them or as clients see them. Absent: tools, prompts and resources. */
  readonly tools?: readonly string[];
  /** Teams of the caller. Absent: every caller. */
  readonly teams?: readonly string[];
  readonly phases: readonly GuardrailPhase[];
  readonly onFailure: GuardrailFailure;
  readonly deadlineMs: number;
  /** An instance of the class of options of the check. */
  readonly options: object;
  /** Why the guardrail cannot run at this worker. Everything that it selects is then refused. */
  readonly fault?: string;
}
