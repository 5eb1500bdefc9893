/** What the specs of guardrails in calls share. */
import type { GuardrailCheck, GuardrailPhase } from '#lib/extension-kit';
import { interceptorOf, type InterceptionWorld } from '../interception/testing.js';
import type { GuardrailDefinition } from '../registry/index.js';
import { DecisionCounts } from './decision-counts.js';
import type { GuardedDefinitions } from './guarded-definitions.js';
import { GuardrailInterceptor } from './guardrail-interceptor.js';
import { Guardrail } from './guardrail.js';
import type { Guardrails } from './guardrails.js';

const ENFORCED: GuardrailDefinition = {
  slug: 'guard',
  check: 'check',
  mode: 'enforce',
  order: 0,
  phases: ['arguments'],
  onFailure: 'refuse',
  deadlineMs: 1_000,
  options: {},
};

/** A guardrail that enforces this check, for every call. */
export const guardrailOf = (check: GuardrailCheck, more: Partial<GuardrailDefinition> = {}): Guardrail =>
  new Guardrail({ ...ENFORCED, ...more }, check);

/** The interceptor that applies these guardrails to the calls of a world, and what they have decided. */
export function guardedBy({ clock }: InterceptionWorld, all: readonly Guardrail[]) {
  const guardrails = { select: (phase: GuardrailPhase) => all.filter((each) => each.judges(phase)) };
  const definitions = { findRefusal: async () => undefined };
  const counts = new DecisionCounts(clock);
  const instance = new GuardrailInterceptor(
    guardrails as unknown as Guardrails,
    definitions as unknown as GuardedDefinitions,
    counts,
    clock,
  );
  const decisions = () => counts.list().map(({ guardrail, decision, count }) => `${guardrail} ${decision} ${count}`);
  return { interceptor: { ...interceptorOf(async () => ({}), {}, 'Guardrails'), instance }, decisions };
}
