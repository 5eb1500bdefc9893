import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { result, type ClientProfile, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld, type Asking } from '../../test/support/dispatch-world.js';
import { callerOf, remoteServer, type Respond } from '../../test/support/fake-upstream.js';

const TALKATIVE: ClientProfile = {
  revision: '2026-07-28',
  capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
};
const CALL = { name: 'book', arguments: { to: 'Rome' } };
const FORM = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: {} } };
const ADA = { action: 'accept', content: { name: 'Ada' } };
const DEMANDED = { mode: 'url', elicitationId: 'e1', url: 'https://example.com/consent', message: 'Please' };
const CONSENT = { code: -32042, message: 'Visit first', data: { elicitations: [DEMANDED] } };

const worlds: DispatchWorld[] = [];

afterEach(async () => {
  jest.useRealTimers();
  for (const open of worlds.splice(0)) await open.close();
});

async function world(era: 'legacy' | 'modern', respond: Respond) {
  const opened = await DispatchWorld.open([remoteServer('a'), remoteServer('b')]);
  worlds.push(opened);
  opened.connector.eras.set('a', era).set('b', era);
  opened.connector.respond = respond;
  const call = (params: JsonObject = {}, asking: Asking = {}) =>
    opened.request('tools/call', { ...CALL, ...params }, { endpoint: 'a', client: TALKATIVE, ...asking });
  return {
    call,
    connector: opened.connector,
    request: opened.request.bind(opened),
    asked: () => opened.asked('a').filter(([method]) => method !== 'tools/list'),
  };
}

/** Asks one question, and answers with what it got. */
const asksOnce: Respond = async ({ reply, signal }) => {
  const answer = await reply.answerQuestion(FORM, signal);
  return result({ answer } as unknown as JsonObject);
};

function inputOf(outcome: Outcome): { inputRequests: Record<string, JsonObject>; requestState: string } {
  expect(outcome).toMatchObject({ result: { resultType: 'input_required', requestState: expect.any(String) } });
  return (outcome as { result: JsonObject }).result as ReturnType<typeof inputOf>;
}

const codeOf = (outcome: Outcome) => (outcome.kind === 'error' ? outcome.error.code : outcome.result);

describe('a legacy server that asks a modern client', () => {
  it('gets the answers that come with the repeated call, which it never sees itself', async () => {
    const { call, asked } = await world('legacy', asksOnce);
    const { inputRequests, requestState } = inputOf(await call());
    expect(inputRequests).toEqual({ 'question-1': FORM });
    const answered = await call({ requestState, inputResponses: { 'question-1': ADA } });
    expect(answered).toMatchObject({ result: { answer: { result: ADA } } });
    expect(asked()).toEqual([['tools/call', CALL]]);
  });

  it.each<[string, JsonObject, Asking]>([
    ['of another principal', {}, { caller: callerOf('you') }],
    ['at another endpoint', { name: 'a__book' }, { endpoint: 'default' }],
    ['of another call', { arguments: { to: 'Oslo' } }, {}],
  ])('hears nothing from a repetition %s', async (_what, params, asking) => {
    const { call, asked } = await world('legacy', asksOnce);
    const { requestState } = inputOf(await call());
    const foreign = await call({ ...params, requestState, inputResponses: { 'question-1': ADA } }, asking);
    expect(foreign).toMatchObject({ error: { code: -32602, data: { outcome: 'not_executed' } } });
    expect(asked()).toHaveLength(1);
    const mine = await call({ requestState, inputResponses: { 'question-1': ADA } });
    expect(mine).toMatchObject({ result: { answer: { result: ADA } } });
  });

  it('hears nothing from one with a state that was altered, or answers that are none', async () => {
    const { call, asked } = await world('legacy', asksOnce);
    const { requestState } = inputOf(await call());
    const malformed = [
      { requestState: `${requestState.slice(0, -4)}AAAA` },
      { requestState: 'made up' },
      { requestState: 7 },
      { requestState: null },
      { requestState, inputResponses: null },
      { requestState, inputResponses: [ADA] },
      { requestState, inputResponses: { 'question-1': 12_345 } },
      { requestState, inputResponses: { 'question-1': { action: 'accept', content: 'Ada' } } },
    ];
    for (const params of malformed) expect(codeOf(await call(params))).toBe(-32602);
    expect(asked()).toHaveLength(1);
  });

  it('sees no words of the other era: answers to nobody, and a type of result that is none', async () => {
    const { call, asked } = await world('legacy', () => result({ resultType: 'input_required', content: [] }));
    expect(await call({ inputResponses: { 'question-1': ADA } })).toEqual(result({ content: [] }));
    expect(asked()).toEqual([['tools/call', CALL]]);
  });

  it('has begun the call, whenever the client comes back', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick', 'setTimeout', 'performance'] });
    const { call, asked } = await world('legacy', asksOnce);
    const { requestState } = inputOf(await call());
    const repetition = { requestState, inputResponses: { 'question-1': ADA } };
    expect(await call(repetition)).toMatchObject({ result: { answer: { result: ADA } } });
    // So long its outcome may be fetched, and later nobody says that it did not run.
    jest.setSystemTime(Date.now() + 9 * 60_000);
    expect(await call(repetition)).toMatchObject({ result: { answer: { result: ADA } } });
    jest.setSystemTime(Date.now() + 60 * 60_000);
    expect(await call(repetition)).toMatchObject({ error: { code: -32602, data: { outcome: 'unknown' } } });
    expect(asked()).toHaveLength(1);
  });

  it('is asked side by side by the same client, and each call gets its own answers', async () => {
    const { call } = await world('legacy', asksOnce);
    const [one, two] = [inputOf(await call()), inputOf(await call())];
    const give = ({ requestState }: typeof one, name: string) =>
      call({ requestState, inputResponses: { 'question-1': { action: 'accept', content: { name } } } });
    const [first, second] = await Promise.all([give(two, 'Bob'), give(one, 'Ada')]);
    expect(first).toMatchObject({ result: { answer: { result: { content: { name: 'Bob' } } } } });
    expect(second).toMatchObject({ result: { answer: { result: { content: { name: 'Ada' } } } } });
  });

  it('asks before it reads a resource and before it gets a prompt, and at no other request', async () => {
    const { request } = await world('legacy', asksOnce);
    const asking = { endpoint: 'a', client: TALKATIVE };
    inputOf(await request('prompts/get', { name: 'x' }, asking));
    inputOf(await request('resources/read', { uri: 'file:///x' }, asking));
    const completed = await request('completion/complete', { ref: { type: 'ref/prompt', name: 'x' } }, asking);
    expect(completed).toMatchObject({ result: { answer: { error: { code: -32601 } } } });
  });
});

describe('a legacy server that demands a visit', () => {
  const demands = (times: number): Respond => {
    let count = 0;
    return () => ((count += 1) > times ? result({ content: [] }) : { kind: 'error', error: CONSENT });
  };

  it('has it made by the client, and is called anew then', async () => {
    const { call, asked } = await world('legacy', demands(1));
    const { inputRequests, requestState } = inputOf(await call());
    const { elicitationId: _id, ...params } = DEMANDED;
    expect(inputRequests).toEqual({ 'visit-1': { method: 'elicitation/create', params } });
    const visited = { requestState, inputResponses: { 'visit-1': { action: 'accept' } } };
    expect(await call(visited)).toEqual(result({ content: [] }));
    expect(asked()).toEqual([
      ['tools/call', CALL],
      ['tools/call', CALL],
    ]);
  });

  it('is not called again while the visit is outstanding, nor after it was declined', async () => {
    const { call, asked } = await world('legacy', demands(1));
    const { inputRequests, requestState } = inputOf(await call());
    expect(inputOf(await call({ requestState })).inputRequests).toEqual(inputRequests);
    const declined = await call({ requestState, inputResponses: { 'visit-1': { action: 'decline' } } });
    expect(declined).toMatchObject({ error: { code: -31004, data: { outcome: 'not_executed', server: 'a' } } });
    expect(asked()).toHaveLength(1);
  });

  it('may demand it again', async () => {
    const { call } = await world('legacy', demands(2));
    const { requestState } = inputOf(await call());
    const again = inputOf(await call({ requestState, inputResponses: { 'visit-1': { action: 'accept' } } }));
    expect(Object.keys(again.inputRequests)).toEqual(['visit-1']);
  });

  it('asks too much of a client that opens no URLs', async () => {
    const { call } = await world('legacy', demands(1));
    const client = { revision: '2026-07-28', capabilities: { elicitation: {} } };
    expect(await call({}, { client })).toMatchObject({
      error: { code: -32021, data: { requiredCapabilities: { elicitation: { url: {} } } } },
    });
  });
});

describe('a legacy server that asks for what the client did not declare', () => {
  const refused =
    (outcome: Outcome): Respond =>
    ({ reply }) => {
      reply.missingCapabilities?.({ sampling: {} });
      return outcome;
    };

  it.each([
    ['fails', { kind: 'error', error: { code: -32000, message: 'no model' } } as const],
    ['fails as a tool', result({ isError: true, content: [] })],
  ])('and %s: the client is told what it lacks', async (_how, outcome) => {
    const { call } = await world('legacy', refused(outcome));
    expect(await call()).toMatchObject({
      error: { code: -32021, data: { requiredCapabilities: { sampling: {} } } },
    });
  });

  it('and is not heard of again: that nobody knows what came of it is what the client is told', async () => {
    const broken = { code: -31002, message: 'The connection broke', data: { outcome: 'unknown' } };
    const { call } = await world('legacy', refused({ kind: 'error', error: broken }));
    expect(await call()).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
  });

  it('and does without it: the client gets what came of the call', async () => {
    const { call } = await world('legacy', refused(result({ content: [] })));
    expect(await call()).toEqual(result({ content: [] }));
  });
});

describe('a modern server that asks a modern client', () => {
  const asksWith = (more: JsonObject): Respond => {
    return ({ request }) =>
      request.params['inputResponses']
        ? result({ seen: request.params })
        : result({ resultType: 'input_required', inputRequests: { who: FORM }, ...more });
  };

  it('has its own state sealed on the way, and gets it back as it was', async () => {
    const { call } = await world('modern', asksWith({ requestState: 'own' }));
    const { inputRequests, requestState } = inputOf(await call());
    expect(inputRequests).toEqual({ who: FORM });
    expect(requestState).not.toContain('own');
    const inputResponses = { who: ADA };
    expect(await call({ requestState, inputResponses })).toEqual(
      result({ seen: { ...CALL, requestState: 'own', inputResponses } }),
    );
    const foreign = await call({ requestState, inputResponses }, { caller: callerOf('you') });
    expect(codeOf(foreign)).toBe(-32602);
  });

  it('never sees a state that it did not give out', async () => {
    const { call, asked } = await world('modern', asksWith({ requestState: 'own' }));
    expect(codeOf(await call({ requestState: 'own', inputResponses: { who: ADA } }))).toBe(-32602);
    expect(asked()).toEqual([]);
  });

  it('may do without a state, and gets the answers alone', async () => {
    const { call } = await world('modern', asksWith({}));
    const first = await call();
    expect(first).toEqual(result({ resultType: 'input_required', inputRequests: { who: FORM } }));
    const inputResponses = { who: ADA };
    expect(await call({ inputResponses })).toEqual(result({ seen: { ...CALL, inputResponses } }));
  });
});
