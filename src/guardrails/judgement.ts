import { Logger } from '@nestjs/common';
import type { GatewayError, GuardrailVerdict, JsonObject } from '#lib/extension-kit';
import { PASS } from '#lib/extension-kit';
import type { Clock } from '#lib/time';
import { hideOptionSecrets, type GuardrailDefinition } from '../registry/index.js';
import type { Asking } from '../interception/index.js';
import { CheckRun, type CheckEnd, type JudgedSubject } from './check-run.js';
import type { Decision, DecisionKind } from './decision.js';
import type { Guardrail } from './guardrail.js';

/** The first refusal ends a judgement. */
export interface Refusal {
  readonly guardrail: string;
  /** One sentence that the caller may read. */
  readonly reason: string;
  /** The error that the caller receives. Absent: that of a refusal. */
  readonly error?: GatewayError;
  /** True when the same call may be sent again. */
  readonly retriable?: true;
}

/** What became of a value. */
export interface Judgement {
  /** The value after the changes of all guardrails: the same object when none changed it. */
  readonly value: JsonObject;
  readonly refusal?: Refusal;
  readonly decisions: readonly Decision[];
}

/** What judgements need. */
export interface JudgementPorts {
  readonly clock: Clock;
  /** Asks for a guardrail about the value that it judges. Absent: no guardrail may ask. */
  readonly askFor?: (guardrail: string, value: JsonObject) => Asking;
  /** Makes the signal that is aborted when the client cancels the call. */
  readonly toSignal: () => AbortSignal;
}

const FAILED = 'its check failed';
const logger = new Logger('Guardrails');

/** Judges a value by guardrails in their order. Each sees what those before it have changed. */
export async function judge(
  guardrails: readonly Guardrail[],
  subject: JudgedSubject,
  ports: JudgementPorts,
): Promise<Judgement> {
  let { value } = subject;
  const decisions: Decision[] = [];
  for (const guardrail of guardrails) {
    const end = await run(guardrail, withValue(subject, value), ports);
    const { verdict, decision, error } = toVerdict(guardrail, end);
    decisions.push(toDecision(guardrail, subject, decision, verdict));
    if (decision === 'failed') logFailure(guardrail, subject, end);
    if (guardrail.definition.mode !== 'enforce') continue;
    if (verdict.action === 'refuse') {
      const refusal = { guardrail: guardrail.slug, reason: verdict.reason, ...(error && { error }) };
      return { value, refusal, decisions };
    }
    if (verdict.action === 'change') ({ value } = verdict);
  }
  return { value, decisions };
}

/** The arguments of a call are those of its item, too. */
function withValue(subject: JudgedSubject, value: JsonObject): JudgedSubject {
  if (value === subject.value) return subject;
  const { phase, item } = subject;
  const isOfItem = phase === 'arguments' && item?.args !== undefined;
  return { ...subject, value, ...(isOfItem && { item: Object.freeze({ ...item, args: value }) }) };
}

function run(guardrail: Guardrail, subject: JudgedSubject, ports: JudgementPorts): CheckEnd | Promise<CheckEnd> {
  const { check, definition, slug, fault } = guardrail;
  if (!check || fault !== undefined) return { kind: 'failed', reason: fault ?? FAILED };
  const mayAsk = definition.mode === 'enforce' && subject.call !== undefined;
  const asking = mayAsk ? ports.askFor?.(slug, subject.value) : undefined;
  const { clock, toSignal } = ports;
  const { deadlineMs, options } = definition;
  return new CheckRun(check, { clock, deadlineMs, options, toSignal, ...(asking && { asking }) }).start(subject);
}

interface Decided {
  readonly verdict: GuardrailVerdict;
  readonly decision: DecisionKind;
  readonly error?: GatewayError;
}

const DECISIONS = { pass: 'passed', change: 'changed', refuse: 'refused' } as const;

function toVerdict({ definition, fault }: Guardrail, end: CheckEnd): Decided {
  switch (end.kind) {
    case 'verdict':
      return { verdict: withoutCredentials(end.verdict, definition), decision: DECISIONS[end.verdict.action] };
    case 'unanswered':
      return { verdict: refuse(end.refusal.message), decision: 'refused', error: end.refusal };
    case 'asked':
      return { verdict: refuse('it waits for an answer'), decision: 'asked', error: end.refusal };
    case 'would ask':
      return { verdict: refuse(`it must ask ${end.whom}`), decision: 'asked' };
    case 'failed': {
      const isPassable = definition.onFailure === 'pass' && fault === undefined;
      const reason = fault === undefined ? FAILED : 'its check is not available';
      return { verdict: isPassable ? PASS : refuse(reason), decision: 'failed' };
    }
  }
}

/** The check has the credentials of the options, and may have its reason from a service that repeats them. */
const withoutCredentials = (verdict: GuardrailVerdict, definition: GuardrailDefinition): GuardrailVerdict =>
  verdict.action === 'refuse' ? { ...verdict, reason: hideOptionSecrets(definition, verdict.reason) } : verdict;

const refuse = (reason: string): GuardrailVerdict => ({ action: 'refuse', reason, findings: [] });

function toDecision(
  { definition: { slug, check, mode } }: Guardrail,
  { phase }: JudgedSubject,
  decision: DecisionKind,
  verdict: GuardrailVerdict,
): Decision {
  const findings = verdict.action === 'pass' ? [] : verdict.findings;
  const reason = verdict.action === 'refuse' ? verdict.reason : undefined;
  return { guardrail: slug, check, phase, mode, decision, findings, ...(reason !== undefined && { reason }) };
}

function logFailure({ slug, definition }: Guardrail, { phase, server, call }: JudgedSubject, end: CheckEnd): void {
  const reason = end.kind === 'failed' ? end.reason : FAILED;
  const where = `${phase} at server ${server.slug}${call ? ` (request ${call.requestId})` : ''}`;
  logger.error(`The check ${definition.check} of guardrail ${slug} failed for ${where}: ${reason}.`);
}
