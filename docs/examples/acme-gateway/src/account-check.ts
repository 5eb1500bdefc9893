import { IsString } from 'class-validator';
import { Guardrail, GuardrailCheck, PASS, type GuardrailSubject, type GuardrailVerdict } from 'isthmus/extension-kit';

export class AccountCheckOptions {
  /** Accounts begin with this text. */
  @IsString() readonly prefix!: string;
}

/** Refuses arguments that name an account of another bank. */
@Guardrail('acme-accounts', { phases: ['arguments'], options: AccountCheckOptions })
export class AccountCheck extends GuardrailCheck {
  override check({ value }: GuardrailSubject, { prefix }: AccountCheckOptions): GuardrailVerdict {
    const { account } = value;
    if (typeof account !== 'string' || account.startsWith(prefix)) return PASS;
    return {
      action: 'refuse',
      reason: 'the account is not one of Acme',
      findings: [{ kind: 'foreign-account', count: 1 }],
    };
  }
}
