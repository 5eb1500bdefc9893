import { expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsInt, IsString, ValidateNested } from 'class-validator';
import { Guardrail, GUARDRAIL_CHECKS, GuardrailCheck, PASS } from '#lib/extension-kit';
import { TeamEntry as GatewayTeamEntry } from '../../registry/index.js';
import { optionsSchemaOf } from './check-options.js';
import { schemasOfAllClasses } from './class-schemas.js';
import { schemaNameOf } from './schema-names.js';

/** Two extensions, each with a class `Peer` of its own. */
function declareFirst() {
  class Peer {
    @IsString() readonly host!: string;
  }
  class FirstOptions {
    @Type(() => Peer) @ValidateNested() readonly peer!: Peer;
  }
  return FirstOptions;
}
function declareSecond() {
  class Peer {
    @IsInt() readonly port!: number;
  }
  class SecondOptions {
    @Type(() => Peer) @ValidateNested({ each: true }) readonly peers!: readonly Peer[];
  }
  return SecondOptions;
}

function declareTwin() {
  class TeamEntry {
    @IsString() readonly ofTheExtension!: string;
  }
  return TeamEntry;
}

@Guardrail('first', { phases: ['results'], options: declareFirst() })
class FirstCheck extends GuardrailCheck {
  override check = () => PASS;
}
@Guardrail('second', { phases: ['results'], options: declareSecond() })
class SecondCheck extends GuardrailCheck {
  override check = () => PASS;
}

it('describes each of two classes with the same name by its own members', () => {
  const [first, second] = [FirstCheck, SecondCheck].map((check) => optionsSchemaOf(GUARDRAIL_CHECKS.optionsOf(check)!));
  expect(Object.values(first!['$defs'] as object)).toMatchObject([{ properties: { host: { type: 'string' } } }]);
  expect(Object.values(second!['$defs'] as object)).toMatchObject([{ properties: { port: { type: 'integer' } } }]);
});

it('describes a class of the gateway under its name, although an extension has one of that name', () => {
  expect([schemaNameOf(GatewayTeamEntry), schemaNameOf(declareTwin())]).toEqual(['TeamEntry', 'TeamEntry2']);
  const { properties } = schemasOfAllClasses('#/')['TeamEntry'] as { properties: object };
  expect(Object.keys(properties).toSorted()).toEqual(['members', 'roles', 'title']);
});
