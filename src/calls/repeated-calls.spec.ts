import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { result, type ClientProfile, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld, type RequestOptions } from '../../test/support/dispatch-world.js';
import { callerOf, remoteServer, type Respond } from '../../test/support/fake-upstream.js';

const CAPABLE_CLIENT: ClientProfile = {
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
  const call = (params: JsonObject = {}, asking: RequestOptions = {}) =>
    opened.request('tools/call', { ...CALL, ...params }, { endpoint: 'a', client: CAPABLE_CLIENT, ...asking });
  return {
    call,
    connector: opened.connector,
    request: opened.request.bind(opened),
    asked: () => opened.requestsTo('a').filter(([method]) => method !== 'tools/list'),
  };
}

/** A server that asks one question and returns the answer. */
const askOnce: Respond = async ({ reply, signal }) => {
  const answer = await reply.answerQuestion(FORM, signal);
  return result({ answer } as unknown as JsonObject);
};

function inputOf(outcome: Outcome): { inputRequests: Record<string, JsonObject>; requestState: string } {
  expect(outcome).toMatchObject({ result: { resultType: 'input_required', requestState: expect.any(String) } });
  return (outcome as { result: JsonObject }).result as ReturnType<typeof inputOf>;
}

const codeOf = (outcome: Outcome) => (outcome.kind === 'error' ? outcome.error.code : outcome.result);

describe('a legacy server that asks a modern client a question', () => {
  it('receives the answers that come with the repeated call, and receives the call only once', async () => {
    const { call, asked } = await world('legacy', askOnce);
    const { inputRequests, requestState } = inputOf(await call());
    expect(inputRequests).toEqual({ 'question-1': FORM });
    const answered = await call({ requestState, inputResponses: { 'question-1': ADA } });
    expect(answered).toMatchObject({ result: { answer: { result: ADA } } });
    expect(asked()).toEqual([['tools/call', CALL]]);
  });

  it.each<[string, JsonObject, RequestOptions]>([
    ['of another principal', {}, { caller: callerOf('you') }],
    ['at another endpoint', { name: 'a__book' }, { endpoint: 'default' }],
    ['of another call', { arguments: { to: 'Oslo' } }, {}],
  ])('receives no answer from a repetition %s', async (_what, params, asking) => {
    const { call, asked } = await world('legacy', askOnce);
    const { requestState } = inputOf(await call());
    const foreign = await call({ ...params, requestState, inputResponses: { 'question-1': ADA } }, asking);
    expect(foreign).toMatchObject({ error: { code: -32602, data: { outcome: 'not_executed' } } });
    expect(asked()).toHaveLength(1);
    const mine = await call({ requestState, inputResponses: { 'question-1': ADA } });
    expect(mine).toMatchObject({ result: { answer: { result: ADA } } });
  });

  it('receives no answer from a repetition with an invalid state or invalid answers', async () => {
    const { call, asked } = await world('legacy', askOnce);
    const { requestState } = inputOf(await call());
    const invalidRepetitions = [
      { requestState: `${requestState.slice(0, -4)}AAAA` },
      { requestState: 'made up' },
      { requestState: 7 },
      { requestState: null },
      { requestState, inputResponses: null },
      { requestState, inputResponses: [ADA] },
      { requestState, inputResponses: { 'question-1': 12_345 } },
      { requestState, inputResponses: { 'question-1': { action: 'accept', content: 'Ada' } } },
    ];
    for (const params of invalidRepetitions) expect(codeOf(await call(params))).toBe(-32602);
    expect(asked()).toHaveLength(1);
  });

  it('receives no inputResponses and cannot return resultType input_required', async () => {
    const { call, asked } = await world('legacy', () => result({ resultType: 'input_required', content: [] }));
    expect(await call({ inputResponses: { 'question-1': ADA } })).toMatchObject(result({ content: [] }));
    expect(asked()).toEqual([['tools/call', CALL]]);
  });

  it('is called once, however late the client repeats the call', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick', 'setTimeout', 'performance'] });
    const { call, asked } = await world('legacy', askOnce);
    const { requestState } = inputOf(await call());
    const repetition = { requestState, inputResponses: { 'question-1': ADA } };
    expect(await call(repetition)).toMatchObject({ result: { answer: { result: ADA } } });
    // The outcome can be fetched for this long; later repetitions must not report that the call did not run.
    jest.setSystemTime(Date.now() + 9 * 60_000);
    expect(await call(repetition)).toMatchObject({ result: { answer: { result: ADA } } });
    jest.setSystemTime(Date.now() + 60 * 60_000);
    expect(await call(repetition)).toMatchObject({ error: { code: -32602, data: { outcome: 'unknown' } } });
    expect(asked()).toHaveLength(1);
  });

  it('assigns answers to the right call when a client has two parked calls', async () => {
    const { call } = await world('legacy', askOnce);
    const [one, two] = [inputOf(await call()), inputOf(await call())];
    const give = ({ requestState }: typeof one, name: string) =>
      call({ requestState, inputResponses: { 'question-1': { action: 'accept', content: { name } } } });
    const [first, second] = await Promise.all([give(two, 'Bob'), give(one, 'Ada')]);
    expect(first).toMatchObject({ result: { answer: { result: { content: { name: 'Bob' } } } } });
    expect(second).toMatchObject({ result: { answer: { result: { content: { name: 'Ada' } } } } });
  });

  it('can ask questions for resources/read and prompts/get, but not for other requests', async () => {
    const { request } = await world('legacy', askOnce);
    const asking = { endpoint: 'a', client: CAPABLE_CLIENT };
    inputOf(await request('prompts/get', { name: 'x' }, asking));
    inputOf(await request('resources/read', { uri: 'file:///x' }, asking));
    const completed = await request('completion/complete', { ref: { type: 'ref/prompt', name: 'x' } }, asking);
    expect(completed).toMatchObject({ result: { answer: { error: { code: -32601 } } } });
  });
});

describe('a legacy server that requires a URL to be opened', () => {
  const demands = (times: number): Respond => {
    let count = 0;
    return () => ((count += 1) > times ? result({ content: [] }) : { kind: 'error', error: CONSENT });
  };

  it('is called again after the client has opened the URL', async () => {
    const { call, asked } = await world('legacy', demands(1));
    const { inputRequests, requestState } = inputOf(await call());
    const { elicitationId: _id, ...params } = DEMANDED;
    expect(inputRequests).toEqual({ 'visit-1': { method: 'elicitation/create', params } });
    const visited = { requestState, inputResponses: { 'visit-1': { action: 'accept' } } };
    expect(await call(visited)).toMatchObject(result({ content: [] }));
    expect(asked()).toEqual([
      ['tools/call', CALL],
      ['tools/call', CALL],
    ]);
  });

  it('is not called again while the URL is not opened or after the user declined', async () => {
    const { call, asked } = await world('legacy', demands(1));
    const { inputRequests, requestState } = inputOf(await call());
    expect(inputOf(await call({ requestState })).inputRequests).toEqual(inputRequests);
    const declined = await call({ requestState, inputResponses: { 'visit-1': { action: 'decline' } } });
    expect(declined).toMatchObject({ error: { code: -31004, data: { outcome: 'not_executed', server: 'a' } } });
    expect(asked()).toHaveLength(1);
  });

  it('may require the URL again after it was opened', async () => {
    const { call } = await world('legacy', demands(2));
    const { requestState } = inputOf(await call());
    const again = inputOf(await call({ requestState, inputResponses: { 'visit-1': { action: 'accept' } } }));
    expect(Object.keys(again.inputRequests)).toEqual(['visit-1']);
  });

  it('causes an error with the required capability for a client without URL elicitation', async () => {
    const { call } = await world('legacy', demands(1));
    const client = { revision: '2026-07-28', capabilities: { elicitation: {} } };
    expect(await call({}, { client })).toMatchObject({
      error: { code: -32021, data: { requiredCapabilities: { elicitation: { url: {} } } } },
    });
  });
});

describe('a legacy server that asks for a capability that the client did not declare', () => {
  const refused =
    (outcome: Outcome): Respond =>
    ({ reply }) => {
      reply.missingCapabilities?.({ sampling: {} });
      return outcome;
    };

  it.each([
    ['fails', { kind: 'error', error: { code: -32000, message: 'no model' } } as const],
    ['fails as a tool', result({ isError: true, content: [] })],
  ])('causes an error with the required capability when it %s', async (_how, outcome) => {
    const { call } = await world('legacy', refused(outcome));
    expect(await call()).toMatchObject({
      error: { code: -32021, data: { requiredCapabilities: { sampling: {} } } },
    });
  });

  it('causes an unknown outcome, not a capability error, when its connection breaks', async () => {
    const broken = { code: -31002, message: 'The connection broke', data: { outcome: 'unknown' } };
    const { call } = await world('legacy', refused({ kind: 'error', error: broken }));
    expect(await call()).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
  });

  it('returns the result of the call when it succeeds without the capability', async () => {
    const { call } = await world('legacy', refused(result({ content: [] })));
    expect(await call()).toMatchObject(result({ content: [] }));
  });
});

describe('a modern server that asks a modern client a question', () => {
  const askWith = (more: JsonObject): Respond => {
    return ({ request }) =>
      request.params['inputResponses']
        ? result({ seen: request.params })
        : result({ resultType: 'input_required', inputRequests: { who: FORM }, ...more });
  };

  it('gets its own state back unsealed, and only from the same principal', async () => {
    const { call } = await world('modern', askWith({ requestState: "the server's own state" }));
    const { inputRequests, requestState } = inputOf(await call());
    expect(inputRequests).toEqual({ who: FORM });
    expect(requestState).not.toContain("the server's own state");
    const inputResponses = { who: ADA };
    expect(await call({ requestState, inputResponses })).toMatchObject(
      result({ seen: { ...CALL, requestState: "the server's own state", inputResponses } }),
    );
    const foreign = await call({ requestState, inputResponses }, { caller: callerOf('you') });
    expect(codeOf(foreign)).toBe(-32602);
  });

  it('never receives a state that the gateway did not seal', async () => {
    const { call, asked } = await world('modern', askWith({ requestState: "the server's own state" }));
    expect(codeOf(await call({ requestState: "the server's own state", inputResponses: { who: ADA } }))).toBe(-32602);
    expect(asked()).toEqual([]);
  });

  it('receives the answers without a state when it issued none', async () => {
    const { call } = await world('modern', askWith({}));
    const first = await call();
    expect(first).toMatchObject(result({ resultType: 'input_required', inputRequests: { who: FORM } }));
    const inputResponses = { who: ADA };
    expect(await call({ inputResponses })).toMatchObject(result({ seen: { ...CALL, inputResponses } }));
  });
});
