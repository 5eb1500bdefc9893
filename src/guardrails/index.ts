export { DECISION_WINDOW_MS, DecisionCounts, type DecisionCount } from './decision-counts.js';
export { GuardrailTrial, type SelectedGuardrail, type TrialResult } from './guardrail-trial.js';
export { GuardrailsModule } from './guardrails.module.js';
