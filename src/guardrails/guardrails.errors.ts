import { GatewayCode, type ExecutionOutcome } from '#lib/mcp-protocol';
import { STATE_OF_CALL, StatedRefusal } from '../interception/index.js';
import type { JudgedPart } from './judged-part.js';
import type { Refusal } from './judgement.js';

const SUBJECTS: Readonly<Record<JudgedPart, string>> = {
  arguments: 'the arguments',
  results: 'the result',
  definitions: 'the definition of the tool',
  questions: 'a question of the server',
  answers: 'the answer to a question of the server',
  errors: 'the error of the server',
};

/** States of a call in which a part is refused. While a question is open, the server has begun the call. */
const OUTCOMES: Readonly<Record<JudgedPart, ExecutionOutcome>> = {
  arguments: 'not_executed',
  results: 'executed',
  definitions: 'not_executed',
  questions: 'unknown',
  answers: 'unknown',
  errors: 'executed',
};

const STATES: Readonly<Record<ExecutionOutcome, string>> = {
  ...STATE_OF_CALL,
  unknown: 'The call had begun at its server.',
};

/** A guardrail refused a value. The message never contains the value. */
export class WithheldByGuardrail extends StatedRefusal {
  constructor(
    private readonly refusal: Refusal,
    private readonly part: JudgedPart,
    outcome: ExecutionOutcome = OUTCOMES[part],
  ) {
    const { guardrail, reason, retriable = false } = refusal;
    const sentence = reason.replace(/[\s.]+$/, '');
    const message = `Guardrail ${guardrail} refused ${SUBJECTS[part]}: ${sentence}. ${STATES[outcome]}`;
    super(GatewayCode.withheldByGuardrail, message, 403, { outcome, retriable });
  }

  override stating(outcome: ExecutionOutcome): WithheldByGuardrail {
    return new WithheldByGuardrail(this.refusal, this.part, outcome);
  }
}
