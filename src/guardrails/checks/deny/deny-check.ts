import {
  compileLinearPattern,
  doTextWork,
  Guardrail,
  GuardrailCheck,
  PASS,
  type GuardrailSubject,
  type GuardrailVerdict,
  type JsonObject,
  type TextWork,
} from '#lib/extension-kit';
import { textsAt } from './arguments-at.js';
import { DenyOptions, type DenyRule } from './deny-options.js';
import { compileHosts } from './hosts.js';
import { toNormalForms } from './normal-forms.js';
import { compileFolders } from './paths.js';
import { PRESETS } from './presets.js';
import { refusesText, type TextTest } from './text-test.js';

/** The pointer of all arguments. */
const EVERYTHING = '';

interface CompiledRule {
  readonly pointers: readonly string[];
  readonly tests: readonly TextTest[];
}

/** Refuses calls by what their arguments contain: paths, SQL, characters of shells, URLs, and patterns of the options. */
@Guardrail('deny', { phases: ['arguments'], options: DenyOptions })
export class DenyCheck extends GuardrailCheck {
  private readonly compiled = new WeakMap<DenyOptions, readonly CompiledRule[]>();

  /** @throws TooMuchText */
  check({ value, signal }: GuardrailSubject, options: DenyOptions): GuardrailVerdict | Promise<GuardrailVerdict> {
    return doTextWork(this.judge(value, options), signal);
  }

  private *judge(value: JsonObject, options: DenyOptions): TextWork<GuardrailVerdict> {
    for (const { pointers, tests } of this.rulesOf(options)) {
      for (const pointer of pointers) {
        for (const text of textsAt(value, pointer)) {
          const test = yield* findTest(tests, text);
          if (test) return refuse(pointer, test);
        }
      }
    }
    return PASS;
  }

  private rulesOf(options: DenyOptions): readonly CompiledRule[] {
    const known = this.compiled.get(options);
    if (known) return known;
    const rules = options.rules.map((rule) => ({ pointers: rule.arguments ?? [EVERYTHING], tests: compileRule(rule) }));
    this.compiled.set(options, rules);
    return rules;
  }
}

/** The first test that refuses a text. */
function* findTest(tests: readonly TextTest[], text: string): TextWork<TextTest | undefined> {
  const forms = yield* toNormalForms(text);
  for (const test of tests) if (yield* refusesText(test, forms)) return test;
  return undefined;
}

/** The pointer is that of the options: names of members in the arguments are the caller's. */
function refuse(pointer: string, { kind, words }: TextTest): GuardrailVerdict {
  const subject = pointer === EVERYTHING ? 'An argument' : `The argument at ${pointer}`;
  return { action: 'refuse', reason: `${subject} ${words}`, findings: [{ kind, count: 1 }] };
}

const PRESET_WORDS = {
  'path-escape': 'leaves its folder. Use a path without "..".',
  'sql-write': 'contains SQL that changes data. Only queries are allowed.',
  shell: 'contains characters that a shell interprets. Leave them out.',
  'internal-url': 'refers to a host that is not public. Use a public URL.',
} as const;

/** Time per character of the tests of this check. */
const COST_OF_TEST = 1;

function compileRule({
  presets = [],
  patterns = [],
  allowPaths,
  denyHosts = [],
  allowHosts,
}: DenyRule): readonly TextTest[] {
  const isPath = allowPaths && compileFolders(allowPaths);
  const isDenied = compileHosts(denyHosts);
  const isAllowed = allowHosts && compileHosts(allowHosts);
  const cost = { costPerCharacter: COST_OF_TEST };
  const path = { kind: 'path', words: 'is not in an allowed folder.', ...cost };
  const host = { kind: 'host', words: 'refers to a host that is not allowed.', ...cost };
  return [
    ...presets.map((preset) => ({ kind: preset, words: PRESET_WORDS[preset], ...PRESETS[preset], ...cost })),
    ...patterns.map((pattern) => toPatternTest(pattern)),
    ...(isPath ? [{ ...path, refusesForm: (form: string) => !isPath(form) }] : []),
    ...(denyHosts.length > 0 || isAllowed
      ? [{ ...host, refusesHost: (each: string) => isDenied(each) || isAllowed?.(each) === false }]
      : []),
  ];
}

function toPatternTest(pattern: string): TextTest {
  const compiled = compileLinearPattern(pattern);
  const refusesForm = (form: string) => compiled.test(form);
  const words = 'contains text that a pattern of this gateway refuses.';
  return { kind: 'pattern', words, refusesForm, costPerCharacter: compiled.costPerCharacter };
}
