/** Which admission checks run again when a client repeats an admitted call with the answer to its question. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type ClientProfile, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld, type RequestOptions } from '../../test/support/dispatch-world.js';
import { remoteServer, settled, type Respond } from '../../test/support/fake-upstream.js';
import type { LimitDefinition, PolicyDefinition, RegistrySnapshot, ServerDefinition } from '../registry/index.js';

const TALKATIVE: ClientProfile = {
  revision: '2026-07-28',
  capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
};
const BOOK = {
  name: 'book',
  description: 'Books a seat.',
  inputSchema: { type: 'object', properties: { to: { type: 'string', 'x-mcp-header': 'To' } } },
};
const CALL = { name: 'a__book', arguments: { to: 'Rome' } };
const FORM = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: {} } };
const ADA = { action: 'accept', content: { name: 'Ada' } };
const ANSWERED = { result: { answer: { result: ADA } } };
const ONE_AN_HOUR: LimitDefinition = { slug: 'few', per: ['principal'], rate: { calls: 1, withinMs: 3_600_000 } };

let world: DispatchWorld;

beforeEach(() => Logger.overrideLogger(false));
afterEach(() => world.close());

interface Stage {
  readonly server?: ServerDefinition;
  readonly era?: 'legacy' | 'modern';
  readonly more?: Partial<RegistrySnapshot>;
  readonly respond?: Respond;
}

/** Sends one question to the client and returns its answer as the result. */
const asksOnce: Respond = async ({ reply, signal }) =>
  result({ answer: await reply.answerQuestion(FORM, signal) } as unknown as JsonObject);

async function open({ server = remoteServer('a'), era = 'legacy', more = {}, respond = asksOnce }: Stage = {}) {
  world = await DispatchWorld.open([server, remoteServer('b')], more);
  world.connector.eras.set('a', era);
  const list = { tools: [BOOK] };
  world.connector.respond = (sent, connection) =>
    sent.request.method === 'tools/list' ? result(list) : respond(sent, connection);
  const call = (params: JsonObject = {}, asking: RequestOptions = {}) =>
    world.request('tools/call', { ...CALL, ...params }, { client: TALKATIVE, ...asking });
  const begin = async (asking: RequestOptions = {}) => {
    const { result: inputRequired } = (await call({}, asking)) as { result: JsonObject };
    expect(inputRequired).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) });
    return { requestState: inputRequired['requestState'] as string, inputResponses: { 'question-1': ADA } };
  };
  const calls = () => world.connector.opened.flatMap(({ sent }) => sent).filter(isToolCall);
  return { call, begin, calls, list };
}

const isToolCall = ({ request }: { request: { method: string } }) => request.method === 'tools/call';
const codeOf = (outcome: Outcome) => (outcome.kind === 'error' ? outcome.error.code : outcome.result);

describe('the answer to a question of an admitted call', () => {
  it('reaches the server although the caller’s rate limit is reached', async () => {
    const { call, begin, calls } = await open({ more: { limits: [ONE_AN_HOUR] } });
    const answer = await begin();
    expect(codeOf(await call())).toBe(-31_003);
    expect(await call(answer)).toMatchObject(ANSWERED);
    expect(calls()).toHaveLength(1);
  });

  it('reaches the server although its tool has been quarantined since', async () => {
    const server = remoteServer('a', { toolChanges: 'quarantine' });
    const { call, begin, list } = await open({ server });
    const answer = await begin();
    list.tools = [{ ...BOOK, description: 'Books something else.' }];
    await world.request('tools/list', {}, { endpoint: 'a' });
    expect(codeOf(await call())).toBe(-31_008);
    expect(await call(answer)).toMatchObject(ANSWERED);
  });

  it('reaches the server although its parameter headers differ from the arguments', async () => {
    const { call, begin } = await open();
    const answer = await begin({ mirrored: { 'mcp-param-to': 'Rome' } });
    const contrary = { mirrored: { 'mcp-param-to': 'Oslo' } };
    expect(codeOf(await call({}, contrary))).toBe(-32_020);
    expect(await call(answer, contrary)).toMatchObject(ANSWERED);
  });

  it('does not count for the rate limit', async () => {
    const twice: LimitDefinition = { ...ONE_AN_HOUR, rate: { calls: 2, withinMs: 3_600_000 } };
    const { call, begin } = await open({ more: { limits: [twice] } });
    expect(await call(await begin())).toMatchObject(ANSWERED);
    expect(await call(await begin())).toMatchObject(ANSWERED);
    expect(codeOf(await call())).toBe(-31_003);
  });
});

describe('a repeated call without a parked call', () => {
  const visit = { mode: 'url', elicitationId: 'e1', url: 'https://example.com/consent', message: 'Please' };
  const consent = { code: -32_042, message: 'Visit first', data: { elicitations: [visit] } };

  it.each<[string, Stage, JsonObject]>([
    [
      'the state of a modern server',
      { era: 'modern', respond: () => result({ resultType: 'input_required', requestState: 'own' }) },
      {},
    ],
    [
      'a state that restarts the call',
      { respond: () => ({ kind: 'error', error: consent }) },
      { 'visit-1': { action: 'accept' } },
    ],
  ])('counts for the rate limit when it carries %s', async (_what, stage, inputResponses) => {
    const { call, begin, calls } = await open({ ...stage, more: { limits: [ONE_AN_HOUR] } });
    const { requestState } = await begin();
    expect(codeOf(await call({ requestState, inputResponses }))).toBe(-31_003);
    expect(calls()).toHaveLength(1);
  });
});

describe('an answer after a policy withdrew the item', () => {
  const denied = (more: Partial<PolicyDefinition>): Partial<RegistrySnapshot> => ({
    policies: [{ slug: 'no', effect: 'deny', ...more }],
  });

  it.each<[string, Partial<PolicyDefinition>]>([
    ['these arguments', { tools: ['book'], when: 'args.to == "Rome"' }],
    ['the tool', { tools: ['book'] }],
    ['the server', { servers: ['a'] }],
  ])('cancels the parked call with outcome unknown when the policy denies %s', async (_how, policy) => {
    const { call, begin, calls } = await open();
    const answer = await begin();
    world.registry.configure(world.registry.snapshot.servers, denied(policy));
    expect(await call(answer)).toMatchObject({
      error: {
        code: -31_009,
        message: expect.stringMatching(/^Denied\. .* cancelled; whether it had an effect before is unknown\.$/),
        data: { outcome: 'unknown', retriable: false, requestId: expect.any(String) },
      },
    });
    await settled();
    expect(calls().map(({ signal }) => signal.aborted)).toEqual([true]);
    world.registry.configure(world.registry.snapshot.servers, { policies: [] });
    expect(codeOf(await call(answer))).toBe(-31_002);
    expect(calls()).toHaveLength(1);
  });
});
