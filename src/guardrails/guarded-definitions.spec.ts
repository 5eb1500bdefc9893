import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  GuardrailCheck,
  PASS,
  type GuardrailSubject,
  type GuardrailVerdict,
  type JsonObject,
} from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { remoteServer } from '../../test/support/fake-upstream.js';
import type { GuardrailDefinition } from '../registry/index.js';
import { DecisionCounts } from './decision-counts.js';
import { GuardedDefinitions } from './guarded-definitions.js';
import { Guardrail } from './guardrail.js';
import type { Guardrails } from './guardrails.js';

const server = remoteServer('files');
const tool = (name: string, description = 'Reads a file.'): JsonObject => ({ name, description, inputSchema: {} });
const listed = (item: JsonObject) => ({ item, shownName: undefined });
/** Longer than the registry of items stores. */
const LONG = 'x'.repeat(130 * 1024);
const use = (name: string) => ({ server, kind: 'tools', name }) as const;

let judged: unknown[];

class RecordingCheck extends GuardrailCheck {
  override check({ value }: GuardrailSubject): GuardrailVerdict {
    judged.push(value['name']);
    return PASS;
  }
}

const guardrailOf = (more: Partial<GuardrailDefinition> = {}) =>
  new Guardrail(
    {
      slug: 'one',
      check: 'recording',
      mode: 'enforce',
      order: 0,
      phases: ['definitions'],
      onFailure: 'refuse',
      deadlineMs: 1_000,
      options: {},
      ...more,
    },
    new RecordingCheck(),
  );

function guarded(...guardrails: readonly Guardrail[]): GuardedDefinitions {
  const fake: Pick<Guardrails, 'of' | 'select'> = {
    of: (phase) => guardrails.filter((each) => each.judges(phase)),
    select: (phase, used, caller) => guardrails.filter((each) => each.judges(phase) && each.selects(used, caller)),
  };
  const clock = new ManualClock();
  return new GuardedDefinitions(fake as Guardrails, new DecisionCounts(clock), clock);
}

async function shownOf(definitions: GuardedDefinitions, item: JsonObject): Promise<JsonObject | undefined> {
  await definitions.prepare(server, 'tools', [listed(item)]);
  return definitions.toShown(server, 'tools', listed(item));
}

beforeEach(() => {
  judged = [];
});

describe('a definition that is too long to be judged', () => {
  const long = tool('read', LONG);

  it('is not shown, and its tool cannot be called', async () => {
    const definitions = guarded(guardrailOf());
    expect(await shownOf(definitions, long)).toBeUndefined();
    expect(await definitions.findRefusal(use('read'), long)).toEqual({
      guardrail: 'one',
      reason: 'it is too long to be judged',
    });
    expect(judged).toEqual([]);
  });

  it.each<[string, Partial<GuardrailDefinition>]>([
    ['observes', { mode: 'observe' }],
    ['lets pass what it cannot judge', { onFailure: 'pass' }],
  ])('is shown where the guardrail only %s', async (_what, definition) => {
    const definitions = guarded(guardrailOf(definition));
    expect(await shownOf(definitions, long)).toBe(long);
    expect(await definitions.findRefusal(use('read'), long)).toBeUndefined();
    expect(judged).toEqual([]);
  });

  it('is refused by the first guardrail that does not let it pass', async () => {
    const definitions = guarded(guardrailOf({ slug: 'lenient', onFailure: 'pass' }), guardrailOf());
    expect(await definitions.findRefusal(use('read'), long)).toMatchObject({ guardrail: 'one' });
  });

  it('is shown where no guardrail selects its tool', async () => {
    const definitions = guarded(guardrailOf({ servers: ['mail'] }));
    expect(await shownOf(definitions, long)).toBe(long);
    expect(await definitions.findRefusal(use('read'), long)).toBeUndefined();
  });
});

describe('a definition', () => {
  it('is judged once for its list and its calls', async () => {
    const definitions = guarded(guardrailOf());
    const item = tool('read');
    expect(await shownOf(definitions, item)).toBe(item);
    expect(await definitions.findRefusal(use('read'), item)).toBeUndefined();
    expect(judged).toEqual(['read']);
  });

  it('is not shown before it was judged', () => {
    expect(guarded(guardrailOf()).toShown(server, 'tools', listed(tool('read')))).toBeUndefined();
  });
});

describe('a tool whose definition is not known', () => {
  const UNKNOWN = {
    guardrail: 'one',
    reason: 'it is not known yet; list the tools of the server, then repeat the call',
    retriable: true,
  };

  it.each<[string, Partial<GuardrailDefinition>, object | undefined]>([
    ['refused by a guardrail that enforces', {}, UNKNOWN],
    ['passed by a guardrail that selects other servers', { servers: ['mail'] }, undefined],
    ['passed by a guardrail that selects other tools', { tools: ['send_*'] }, undefined],
    ['passed by a guardrail of other phases', { phases: ['arguments'] }, undefined],
    ['passed by a guardrail that lets pass what it cannot judge', { onFailure: 'pass' }, undefined],
    ['passed by a guardrail that observes', { mode: 'observe' }, undefined],
  ])('is %s', (_what, definition, refusal) => {
    expect(guarded(guardrailOf(definition)).refusalOfUnknown(use('read'))).toEqual(refusal);
  });

  it('is refused by the first guardrail that cannot let it pass', () => {
    const definitions = guarded(guardrailOf({ slug: 'lenient', onFailure: 'pass' }), guardrailOf());
    expect(definitions.refusalOfUnknown(use('read'))).toEqual(UNKNOWN);
  });
});
