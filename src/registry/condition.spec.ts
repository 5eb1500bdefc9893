import { describe, expect, it } from '@jest/globals';
import { parseJson, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { checkCondition, firstLine, parseCondition } from './condition.js';
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
  it('compares numbers by their values, however they are written', () => {
    const message = parseJson('{"params":{"arguments":{"amount":5.0,"list":[1e1]}}}') as { params: JsonObject };
    const args = message.params['arguments'] as JsonObject;
    expect(evaluate('args.amount == 5 && args.amount < 5.5 && args.list[0] == 10', args)).toBe(true);
  });

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

  const text = (length: number) => 'a'.repeat(length);
  const list = (length: number, toItem: (index: number) => JsonValue): JsonValue[] =>
    Array.from({ length }, (_, index) => toItem(index));
  const TOO_COSTLY = 'it reads more of the arguments and claims than a condition may';

  it.each<[string, JsonObject]>([
    ['args.words.exists(word, args.text.contains(word))', { text: text(1_000_000), words: list(1_000, String) }],
    ['args.list.all(x, x.endsWith("a"))', { list: list(100_000, () => 1) }],
    ['args.list.all(x, x in args.list)', { list: list(2_000, String) }],
    [
      'args.list.all(x, x != args.map)',
      { list: list(1_000, () => ({})), map: Object.fromEntries(list(9_000, String).map((key) => [key, 1])) },
    ],
    ['args.a.contains(args.b)', { a: text(200_000), b: `${text(20_000)}b${text(20_000)}` }],
    ['args.a.lastIndexOf(args.b) == 1', { a: text(200_000), b: `${text(20_000)}b` }],
    ['args.a.split("").join(args.a) == "a"', { a: text(10_000) }],
    ['duration(args.a) == duration("1s")', { a: '1'.repeat(4_000) }],
    ['args.a.split("").all(x, x == "a")', { a: text(100_000) }],
    [
      'args.list.all(x, timestamp(x).getHours("Europe/Amsterdam") > 0)',
      { list: list(2_000, () => '2026-01-01T12:00:00Z') },
    ],
    ['cel.bind(x, args.a + args.a, cel.bind(y, x + x + x, cel.bind(z, y + y + y, z + z == z)))', { a: text(100_000) }],
    ['args == args', { a: list(200_000, () => 1) }],
    ['args.words.exists(word, args.text.contains(word)) || true', { text: text(1_000_000), words: list(100, String) }],
  ])('ends the evaluation of %s over arguments that would take long', (expression, args) => {
    expect(() => evaluate(expression, args)).toThrow(TOO_COSTLY);
  });

  it.each<[string, JsonObject]>([
    ['args.path.startsWith("/public/")', { path: '/public/a', content: text(8_000_000) }],
    ['!args.content.contains("secret")', { content: text(1_000_000) }],
    ['args.to.all(x, x.endsWith("@example.com"))', { to: list(5_000, (index) => `user${index}@example.com`) }],
    ['args.to.all(x, x in args.allowed)', { to: list(50, String), allowed: list(100, String) }],
    ['args.text.contains(args.word)', { text: `${text(50_000)}word`, word: 'word' }],
    ['duration(args.timeout) <= duration("1h")', { timeout: '90s' }],
    ['args.tags.split(",").exists(x, x == "a")', { tags: 'a,'.repeat(200) }],
    ['cel.bind(p, args.path, p == "/" || p.startsWith("/public"))', { path: '/public' }],
    ['has(args.a.b) && args["a"].b == 1 && "a" in args && size(args) == 1', { a: { b: 1 } }],
  ])('evaluates %s over large arguments that take little time', (expression, args) => {
    expect(evaluate(expression, args)).toBe(true);
  });

  it('restores stack traces after an evaluation', () => {
    const { stackTraceLimit } = Error;
    expect(() => evaluate('args.missing')).toThrow('No such key');
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
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

describe('the fault of a condition', () => {
  it.each([
    ['claims.amount ==\n  ', { line: 2, column: 3, message: 'Unexpected token: EOF' }],
    ['args.amount < 100 &&\n  amount', { line: 2, column: 3, message: 'Unknown variable: amount' }],
    [
      'true &&\n\nargs.text.matches("a")',
      { line: 3, column: 1, message: expect.stringContaining('may take too long') },
    ],
    ['1 + 1', { message: 'it must have the type bool, not int' }],
  ])('says where it is, as far as it has a place: %j', (expression, fault) => {
    expect(checkCondition(expression).fault).toEqual(fault);
  });

  it('is undefined for a condition', () => {
    expect(checkCondition('args.amount < 100').fault).toBeUndefined();
  });
});
