import type { GuardrailPhase } from '#lib/extension-kit';

/** A part of a call, or of a list, that guardrails judge. */
export type JudgedPart = GuardrailPhase | 'answers' | 'errors';

/** The phases in which guardrails judge parts that have none of their own. */
const PHASES = { answers: 'questions', errors: 'results' } as const;

/** Returns the phase in which guardrails judge the part. */
export const toPhase = (part: JudgedPart): GuardrailPhase =>
  part === 'answers' || part === 'errors' ? PHASES[part] : part;
