import { IsIn, IsOptional } from 'class-validator';
import {
  doTextWork,
  Guardrail,
  GuardrailCheck,
  maskTexts,
  PASS,
  type GuardrailSubject,
  type GuardrailVerdict,
  type TextWork,
} from '#lib/extension-kit';
import { SECRET_FINDER } from './find-secrets.js';

const ACTIONS = ['mask', 'refuse'] as const;

/** Options of the check `secrets`. */
export class SecretsOptions {
  /**
   * What happens to a value with a credential. `mask`: each credential is replaced by its kind, such as `[github-token]`.
   * `refuse`: the call is refused, or its result is withheld. Default: `mask`.
   */
  @IsOptional()
  @IsIn(ACTIONS)
  readonly action?: (typeof ACTIONS)[number];
}

/**
 * Finds credentials: keys and tokens in the formats of their issuers, private keys, JSON Web Tokens, user and password in URLs, and
 * random values after names such as `api_key` or `password`.
 */
@Guardrail('secrets', { phases: ['arguments', 'results', 'questions'], options: SecretsOptions })
export class SecretsCheck extends GuardrailCheck {
  /** @throws TooMuchText */
  check(subject: GuardrailSubject, options: SecretsOptions): GuardrailVerdict | Promise<GuardrailVerdict> {
    return doTextWork(this.judge(subject, options), subject.signal);
  }

  private *judge({ value, phase }: GuardrailSubject, { action = 'mask' }: SecretsOptions): TextWork<GuardrailVerdict> {
    const { value: masked, findings } = yield* maskTexts(value, SECRET_FINDER);
    if (findings.length === 0) return PASS;
    if (action === 'mask') return { action: 'change', value: masked, findings };
    const reason = `${SUBJECTS[phase]} a credential. Remove it, or refer to it by a name that the server knows.`;
    return { action: 'refuse', reason, findings };
  }
}

const SUBJECTS = {
  arguments: 'The arguments contain',
  results: 'The result contains',
  definitions: 'The definition contains',
  questions: 'The question of the server contains',
} as const;
