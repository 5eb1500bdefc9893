import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { parseCondition, firstLine } from './condition.js';
import { readConfiguration } from './read-configuration.js';

const holds = (expression: string, args: JsonObject = {}, claims: JsonObject = {}) =>
  parseCondition(expression).evaluate({ args, claims });

const faultOf = (expression: string): string => {
  try {
    parseCondition(expression);
    return '';
  } catch (fault) {
    return firstLine(fault);
  }
};

describe('a condition', () => {
  it.each<[string, JsonObject, JsonObject, boolean]>([
    ['claims.department == "finance"', {}, { department: 'finance' }, true],
    ['claims.department == "finance"', {}, { department: 'sales' }, false],
    ['args.amount <= 1000', { amount: 1000 }, {}, true],
    ['args.amount <= 1000', { amount: 1000.5 }, {}, false],
    ['args.amount == 5', { amount: 5 }, {}, true],
    ['has(args.path) && args.path.startsWith("/public/")', {}, {}, false],
    ['has(args.path) && args.path.startsWith("/public/")', { path: '/public/a' }, {}, true],
    ['args.to.all(address, address.endsWith("@example.com"))', { to: ['a@example.com', 'b@example.org'] }, {}, false],
    ['"admin" in claims.groups || args.dry', { dry: true }, { groups: [] }, true],
    ['true', {}, {}, true],
  ])('%s, args %j, claims %j: %j', (expression, args, claims, expected) => {
    expect(holds(expression, args, claims)).toBe(expected);
  });

  it('tells whether it can be judged without a call', () => {
    expect(parseCondition('claims.a == 1').usesArgs).toBe(false);
    expect(parseCondition('claims.list.exists(x, x == args.y)').usesArgs).toBe(true);
  });

  it.each([
    ['claims.department == "finance"', /No such key: department/],
    ['claims.number', /neither true nor false/],
  ])('that looks at what is not there cannot be judged: %s', (expression, told) => {
    expect(() => holds(expression, {}, { number: 1 })).toThrow(told);
  });

  it.each([
    ['claims.', /./],
    ['caller.role == "admin"', /Unknown variable: caller/],
    ['1 + 1', /it must be true or false, and is int/],
    ['args.a.all(x, args.b.exists(y, x == y))', /exists\(\) within another loop/],
    ['args.text.matches("(a+)+$")', /matches\(\) may take too long/],
    [`"${'x'.repeat(2_000)}" == "y"`, /longer than 2000/],
    [Array.from({ length: 300 }, () => 'true').join(' && '), /./],
  ])('is refused when it cannot be read or may take too long: %s', (expression, fault) => {
    expect(faultOf(expression)).toMatch(fault);
  });

  it('that is at fault is named in the configuration file with its place', () => {
    const reading = readConfiguration('policies: { p: { effect: allow, when: "args.a.matches(\'x\')" }, q: {} }', {});
    expect(reading).toEqual({
      faults: [
        {
          path: 'policies.p.when',
          message: expect.stringMatching(/^must be an expression of CEL .*: matches\(\) may take too long/),
        },
        { path: 'policies.q.effect', message: 'is missing.' },
      ],
    });
  });
});
