import { describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { AdminModule } from './admin.module.js';
import { listRoutes } from './openapi/routes.js';
import { createValidation, RequestInvalid } from './request-validation.js';

const controllers = Reflect.getMetadata('controllers', AdminModule) as Type[];
const routes = listRoutes(controllers).filter(({ roles }) => roles.length > 0);

/** Phrases of class-validator and of JavaScript, which no message may contain. */
const FOREIGN =
  /Bad Request|shorter than|longer than|each value in|must be a boolean value|should not|conforming|following values|\$constraint|property |regular expression|NaN|instance|undefined/i;
const RULE = /^[\w.[\]]+ (?:must \S.*\S|is missing|is not a known member.*)$/;

const WRONG: readonly unknown[] = [
  null,
  undefined,
  7,
  -1,
  1.5,
  true,
  '',
  'x'.repeat(40_000),
  [],
  [7],
  {},
  { a: 1 },
  'nonsense',
];

async function faultsOf(metatype: Type, type: 'body' | 'query', value: unknown): Promise<readonly string[]> {
  try {
    await createValidation().transform(value, { type, metatype });
    return [];
  } catch (cause) {
    expect(cause).toBeInstanceOf(RequestInvalid);
    expect((cause as RequestInvalid).message).not.toMatch(FOREIGN);
    return (cause as RequestInvalid).faults;
  }
}

const classes = routes.flatMap(({ verb, path, body, query }) => [
  ...(body ? ([[`${verb} ${path}`, 'body', body]] as const) : []),
  ...(query ? ([[`${verb} ${path}`, 'query', query]] as const) : []),
]);

describe('the validation of a request', () => {
  it.each(classes)('names the member and a rule for each wrong value: %s, %s', async (_route, type, metatype) => {
    const rules = getMetadataStorage().getTargetValidationMetadatas(metatype, '', false, false);
    const members = new Set(rules.map(({ propertyName }) => propertyName));
    expect(members.size).toBeGreaterThan(0);
    for (const member of members) {
      for (const wrong of WRONG) {
        const faults = await faultsOf(metatype, type, { [member]: wrong });
        for (const fault of faults) {
          expect(fault).toMatch(RULE);
          expect(fault).not.toMatch(FOREIGN);
        }
      }
    }
    const unknown = await faultsOf(metatype, type, { surelyNotKnown: 1 });
    expect(unknown).toContainEqual(expect.stringMatching(/^surelyNotKnown is not a known member/));
  });

  it('says how long a text may be, in the words of the product', async () => {
    const creation = routes.find(({ verb, path }) => verb === 'post' && path === '/admin/v1/servers')?.body as Type;
    expect(await faultsOf(creation, 'body', { slug: 'x'.repeat(33), entry: {} })).toEqual([
      'slug must have at most 32 characters',
    ]);
    expect(await faultsOf(creation, 'body', { slug: 7 })).toEqual(['slug must be a string', 'entry is missing']);
    expect(await faultsOf(creation, 'body', { slug: 'a', entry: {}, sluk: 1 })).toEqual([
      'sluk is not a known member. Did you mean slug?',
    ]);
  });
});
