import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsString, ValidateNested } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { Guardrail, GUARDRAIL_CHECKS, GuardrailCheck, PASS } from '#lib/extension-kit';
import { KnownChecks } from '../../registry/index.js';
import { guardrailOptionSchemas, optionsSchemaOf } from './check-options.js';
import { contributedSchemas } from './contributed-schemas.js';
import { openApiDocument } from './openapi-document.js';

class ThrowingOptions {
  @JSONSchema(() => {
    throw new TypeError('no such type');
  })
  @IsString()
  readonly word!: string;
}
class HugeEntry {
  @JSONSchema({ example: 7n as never }) @IsString() readonly host!: string;
}
class NoRules {
  readonly name!: string;
}
class NestedOptions {
  @Type(() => NoRules) @ValidateNested() readonly peer!: NoRules;
}
@Guardrail('throwing', { phases: ['results'], options: ThrowingOptions })
class ThrowingCheck extends GuardrailCheck {
  override check = () => PASS;
}
@Guardrail('nested', { phases: ['results'], options: NestedOptions })
class NestedCheck extends GuardrailCheck {
  override check = () => PASS;
}

const checks = [ThrowingCheck, NestedCheck].map((check) => ({
  name: check.name,
  module: 'Acme',
  options: GUARDRAIL_CHECKS.optionsOf(check)!,
}));
const logged: string[] = [];

beforeAll(() =>
  Logger.overrideLogger({ log: () => undefined, error: () => undefined, warn: (text) => logged.push(String(text)) }),
);
afterAll(() => Logger.overrideLogger(false));

it('describes classes of extensions that have no JSON Schema as any object, and names them in the log', () => {
  const kinds = [{ name: 'huge', entry: HugeEntry }];
  const options = guardrailOptionSchemas(new KnownChecks(checks));
  expect(options).toMatchObject({
    ThrowingGuardrailOptions: { type: 'object', additionalProperties: true },
    NestedGuardrailOptions: { properties: { peer: { $ref: '#/components/schemas/NoRules' } } },
  });
  expect(contributedSchemas(kinds)).toMatchObject({
    ContributedHugeEntry: { required: ['transport'], additionalProperties: true },
  });
  expect(optionsSchemaOf(checks[1]!.options)).toMatchObject({ $defs: { NoRules: { additionalProperties: true } } });
  expect(openApiDocument([], options, '', kinds)).toMatchObject({
    components: { schemas: { NoRules: { type: 'object', additionalProperties: true } } },
  });
  expect(logged).toEqual([
    expect.stringContaining('ThrowingOptions of the check "throwing" cannot be described by a JSON Schema (TypeError'),
    expect.stringContaining('HugeEntry of the kind "huge" cannot be described'),
    expect.stringContaining('The class NoRules has no rules of class-validator'),
  ]);
});
