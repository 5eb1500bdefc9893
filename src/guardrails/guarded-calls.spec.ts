import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, LEGACY_CLIENT, remoteServer } from '../../test/support/fake-upstream.js';
import { WordCheck } from '../../test/support/guarding-checks.js';
import type { UpstreamCall } from '../calls/index.js';
import type { Contributions } from '../extensions/index.js';
import type { Items } from '../items/index.js';
import type { GuardrailDefinition, KnownChecks, ServerRegistry } from '../registry/index.js';
import { DecisionCounts } from './decision-counts.js';
import { GuardedCalls } from './guarded-calls.js';
import { GuardedDefinitions } from './guarded-definitions.js';
import { guardrailOf } from './guardrail-fixture.js';
import { Guardrails } from './guardrails.js';

const WORD = 'swordfish';
const server = remoteServer('files');

const callOf = (method: string, name = 'read'): UpstreamCall => ({
  server,
  request: { method, params: { name } },
  caller: callerOf('ada'),
  client: LEGACY_CLIENT,
  requestId: 1,
  clientRepeatsCall: false,
});

/** The calls that one guardrail concerns, where the server lists a tool with this description. */
function guardedWith(more: Partial<GuardrailDefinition>, description = 'Reads a file.') {
  const options = { name: 'word' };
  const { definition } = guardrailOf(new WordCheck(), { check: 'word', options: { word: WORD }, ...more });
  const checks = { of: () => [{ options, instance: new WordCheck(), name: 'WordCheck', module: 'AcmeModule' }] };
  const registry = { snapshot: { guardrails: [definition] }, onChange: () => () => undefined };
  const guardrails = new Guardrails(
    checks as unknown as Contributions,
    { find: () => options } as unknown as KnownChecks,
    registry as unknown as ServerRegistry,
  );
  guardrails.open();
  const clock = new ManualClock();
  const definitions = new GuardedDefinitions(guardrails, new DecisionCounts(clock), clock);
  const tool: JsonObject = { name: 'read', description, inputSchema: {} };
  const items = { shownNameOf: () => undefined, definitionOf: () => tool };
  const calls = new GuardedCalls(guardrails, definitions, items as unknown as Items);
  const judge = () => definitions.findRefusal({ server, kind: 'tools', name: 'read' }, tool);
  return { calls, judge };
}

describe('a guardrail for definitions alone', () => {
  const phases = ['definitions'] as const;

  it.each(['prompts/get', 'resources/read', 'completion/complete'])('concerns no call of %s', (method) => {
    expect(guardedWith({ phases }).calls.includes(callOf(method))).toBe(false);
  });

  it('concerns calls of a tool until its definition is judged', async () => {
    const { calls, judge } = guardedWith({ phases });
    expect(calls.includes(callOf('tools/call'))).toBe(true);
    await judge();
    expect(calls.includes(callOf('tools/call'))).toBe(false);
  });

  it('concerns calls of a tool whose definition it refuses', async () => {
    const { calls, judge } = guardedWith({ phases }, `Reads ${WORD}.`);
    await judge();
    expect(calls.includes(callOf('tools/call'))).toBe(true);
  });

  it.each<[string, Partial<GuardrailDefinition>]>([
    ['another server', { servers: ['mail'] }],
    ['other tools', { tools: ['send_*'] }],
    ['callers of a team', { teams: ['finance'] }],
  ])('concerns no call when it is limited to %s', (_what, more) => {
    expect(guardedWith({ phases, ...more }).calls.includes(callOf('tools/call'))).toBe(false);
  });
});

describe('a guardrail for values of calls', () => {
  it.each(['arguments', 'results', 'questions'] as const)('concerns calls of every method: %s', (phase) => {
    const { calls } = guardedWith({ phases: [phase] });
    for (const method of ['tools/call', 'prompts/get', 'resources/read', 'completion/complete'])
      expect(calls.includes(callOf(method))).toBe(true);
  });

  it('concerns no prompt when it is limited to tools', () => {
    const { calls } = guardedWith({ phases: ['arguments'], tools: ['read'] });
    expect([calls.includes(callOf('tools/call')), calls.includes(callOf('prompts/get'))]).toEqual([true, false]);
  });
});
