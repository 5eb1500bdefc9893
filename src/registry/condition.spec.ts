import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { parseCondition, firstLine } from './condition.js';
import { readConfiguration } from './read-configuration.js';

const evaluate = (expression: string, args: JsonObject = {}, claims: JsonObject = {}) =>
  parseCondition(expression).evaluate({ args, claims });

const faultOf = (expression: string): string => {
  try {
    parseCondition(expression);
    return '';
  } catch (fault) {
    return firstLine(fault);
  }
};

describe('the condition of a policy', () => {
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
  ])('%s evaluates args %j and claims %j to %j', (expression, args, claims, expected) => {
    expect(evaluate(expression, args, claims)).toBe(expected);
  });

  it('reports whether it reads the arguments of a call', () => {
    expect(parseCondition('claims.a == 1').usesArgs).toBe(false);
    expect(parseCondition('claims.list.exists(x, x == args.y)').usesArgs).toBe(true);
  });

  it.each([
    ['claims.department == "finance"', /No such key: department/],
    ['claims.number', /neither true nor false/],
  ])('throws when it cannot be evaluated: %s', (expression, message) => {
    expect(() => evaluate(expression, {}, { number: 1 })).toThrow(message);
  });

  it.each([
    ['claims.', /./],
    ['caller.role == "admin"', /Unknown variable: caller/],
    ['1 + 1', /it must have the type bool, not int/],
    ['args.a.all(x, args.b.exists(y, x == y))', /exists\(\) within another loop/],
    ['args.text.matches("(a+)+$")', /matches\(\) may take too long/],
    [`"${'x'.repeat(2_000)}" == "y"`, /longer than 2000/],
    [Array.from({ length: 300 }, () => 'true').join(' && '), /./],
  ])('is rejected when it cannot be parsed or may take too long: %s', (expression, fault) => {
    expect(faultOf(expression)).toMatch(fault);
  });

  it('is reported with its path when the configuration file contains an invalid one', () => {
    const reading = readConfiguration('policies: { p: { effect: allow, when: "args.a.matches(\'x\')" }, q: {} }', {});
    expect(reading).toEqual({
      faults: [
        {
          path: 'policies.p.when',
          message: expect.stringMatching(/^must be a CEL expression .*: matches\(\) may take too long/),
        },
        { path: 'policies.q.effect', message: 'is missing.' },
      ],
    });
  });
});
