import { expect, it } from '@jest/globals';
import { IsString } from 'class-validator';
import { Guardrail as GuardrailOf, GuardrailCheck, Secret, type GuardrailVerdict } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import type { GuardrailDefinition } from '../registry/index.js';
import { Guardrail } from './guardrail.js';
import { judge } from './judgement.js';

class ServiceOptions {
  @Secret() @IsString() readonly token = 'k3y-of-the-service';
}

@GuardrailOf('repeating', { phases: ['results'], options: ServiceOptions })
class RepeatingCheck extends GuardrailCheck {
  override check(_subject: unknown, { token }: ServiceOptions): GuardrailVerdict {
    return { action: 'refuse', reason: `the service refused "Bearer ${token}"`, findings: [] };
  }
}

it('judge hides the credentials of the options in the reason of a refusal', async () => {
  const definition: GuardrailDefinition = {
    slug: 'one',
    check: 'repeating',
    mode: 'enforce',
    order: 0,
    phases: ['results'],
    onFailure: 'refuse',
    deadlineMs: 1_000,
    options: new ServiceOptions(),
  };
  const subject = {
    phase: 'results',
    value: {},
    server: { slug: 'files' },
    item: undefined,
    caller: undefined,
    definition: undefined,
    call: undefined,
  } as const;
  const { refusal, decisions } = await judge([new Guardrail(definition, new RepeatingCheck())], subject, {
    clock: new ManualClock(),
    toSignal: () => new AbortController().signal,
  });
  expect([refusal?.reason, decisions[0]?.reason]).toEqual(Array(2).fill('the service refused "Bearer [hidden]"'));
});
