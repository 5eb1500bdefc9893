import type { GuardrailSubject, GuardrailVerdict, JsonObject } from '#lib/extension-kit';

type Call = NonNullable<GuardrailSubject['call']>;

const CALL: Call = {
  requestId: 'r1',
  endpoint: 'default',
  client: { revision: 'test', capabilities: {}, era: 'legacy' },
  method: 'tools/call',
  ask: () => Promise.resolve({ action: 'accept' }),
  askAdmin: () => Promise.resolve({ action: 'approve' }),
};

/** A value of a call to the tool `run` of the server `files`, as a check receives it. */
export function createSubject(
  value: JsonObject,
  { call, ...rest }: Partial<Omit<GuardrailSubject, 'call'>> & { readonly call?: Partial<Call> } = {},
): GuardrailSubject {
  const server = { slug: 'files' };
  return {
    phase: 'results',
    value: deepFreeze(value),
    server,
    item: { server, kind: 'tools', name: 'run' },
    caller: undefined,
    definition: undefined,
    signal: new AbortController().signal,
    call: { ...CALL, ...call },
    ...rest,
  };
}

/** The verdict of a check on a short value, which is no promise. */
export function verdictOf(verdict: GuardrailVerdict | Promise<GuardrailVerdict>): GuardrailVerdict {
  if (verdict instanceof Promise) throw new Error('The check pauses while it judges a short value.');
  return verdict;
}

/** The result of a tool with one text. */
export const textResult = (text: string): JsonObject => ({ content: [{ type: 'text', text }] });

/** What goes on after a check: the changed value, or the same one. */
export function valueAfter(verdict: GuardrailVerdict, value: JsonObject): JsonObject | undefined {
  if (verdict.action === 'refuse') return undefined;
  return verdict.action === 'change' ? verdict.value : value;
}

/** Kinds of findings in order, each with its count. */
export const kindsOf = (verdict: GuardrailVerdict): readonly string[] =>
  verdict.action === 'pass' ? [] : verdict.findings.map(({ kind, count }) => `${kind} ${count}`);

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}
