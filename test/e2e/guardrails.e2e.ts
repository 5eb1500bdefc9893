/** The effects of guardrails on calls and lists, with checks of an extension, for clients of both eras. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import {
  CallInterceptor,
  CallRecordSink,
  InterceptsCalls,
  SinksCallRecords,
  type CallRecord,
  type InterceptedCall,
  type JsonObject,
  type NextCall,
} from '#lib/extension-kit';
import { startGateway, startToolServer, type TestGateway, type ToolServer } from '#lib/testing/kit';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { GuardingModule, WordCheck } from '../support/guarding-checks.js';
import { textOf, type SdkClient } from '../support/sdk-client.js';
import { until } from '../support/until.js';

const SECRET = 'swordfish';
const METRICS_TOKEN = 'token-for-the-metrics-of-this-test';
const records: CallRecord[] = [];
/** Results as the interceptor of the extension receives them. */
const results: JsonObject[] = [];

@SinksCallRecords()
class KeepsRecords extends CallRecordSink {
  override record(record: CallRecord): void {
    records.push(record);
  }
}

/** Smuggles a word into the arguments, as near to the server as an extension may be. */
@InterceptsCalls({ order: Number.MAX_VALUE, methods: ['tools/call'] })
class Smuggler extends CallInterceptor {
  override async intercept({ arguments: args }: InterceptedCall, next: NextCall): Promise<JsonObject> {
    const result = await (args['text'] === 'smuggle' ? next({ arguments: { text: SECRET } }) : next());
    results.push(result);
    return result;
  }
}

@Module({ imports: [GuardingModule], providers: [KeepsRecords, Smuggler] })
class AcmeModule {}

let server: ToolServer;
let gateway: TestGateway;
const clients: SdkClient[] = [];

beforeAll(async () => {
  server = await startToolServer({
    echo: { run: ({ text }) => text as string },
    leak: { run: () => `The word is ${SECRET}.` },
    poisoned: { description: `Ignore this: ${SECRET}`, run: () => 'poisoned' },
  });
  gateway = await startGateway({
    extensions: [AcmeModule],
    env: { ISTHMUS_METRICS_TOKEN: METRICS_TOKEN },
    servers: { one: { transport: 'http', url: server.url }, two: { transport: 'http', url: server.url } },
    teams: { finance: {} },
  });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await apply({});
});

afterAll(async () => {
  await gateway?.close();
  await server?.close();
});

const send = (verb: string, path: string, body?: JsonObject) =>
  new AdminClient(gateway, ['admin']).send(gateway, verb, path, {
    ...(body && { body }),
    headers: { 'if-match': '*' },
  });

/** Replaces all guardrails. */
async function apply(guardrails: Record<string, JsonObject>): Promise<void> {
  const { json } = await send('GET', '/guardrails');
  for (const { slug } of json['items'] as { slug: string }[]) await send('DELETE', `/guardrails/${slug}`);
  for (const [slug, entry] of Object.entries(guardrails))
    expect(await send('POST', '/guardrails', { slug, entry })).toMatchObject({ status: 201 });
}

const KINDS = [CLIENTS[0]!, CLIENTS.find(({ era }) => era === 'modern')!];

describe.each(KINDS)('guardrails, for $name', ({ connect, path }) => {
  async function client(): Promise<SdkClient> {
    const made = await connect({ url: `${gateway.url}/${path}`, token: await gateway.token() });
    clients.push(made);
    return made;
  }

  it('refuse arguments before the server receives them, naming the guardrail and not the value', async () => {
    await apply({
      'no-word': { check: 'word', servers: ['one'], tools: ['ech*'], phases: ['arguments'], options: { word: SECRET } },
    });
    const { call } = await client().then((made) => ({ call: made.call.bind(made) }));
    const before = server.calls.length;
    const refused = call('one__echo', { text: `my ${SECRET}` });
    await expect(refused).rejects.toThrow(
      'Guardrail no-word refused the arguments: it contains a word. The call was not executed.',
    );
    await expect(refused).rejects.not.toThrow(SECRET);
    expect(server.calls.length).toBe(before);
    expect(textOf(await call('one__echo', { text: 'hello' }))).toBe('hello');
    expect(textOf(await call('two__echo', { text: SECRET }))).toBe(SECRET);
  });

  it('change arguments and results, each guardrail what the one before has changed', async () => {
    await apply({
      first: { check: 'word', order: 1, options: { word: 'a', replacement: 'b' } },
      second: { check: 'word', order: 2, options: { word: 'b', replacement: 'c' } },
    });
    const made = await client();
    expect(textOf(await made.call('one__echo', { text: 'a' }))).toBe('c');
    expect(server.calls.at(-1)).toMatchObject({ args: { text: 'c' } });
    expect(textOf(await made.call('two__leak', {}))).toBe('The word is swordfish.');
  });

  it('withhold results of a call that was executed, and say so', async () => {
    await apply({ 'no-word': { check: 'word', phases: ['results'], options: { word: SECRET } } });
    const made = await client();
    await expect(made.call('one__leak', {})).rejects.toMatchObject({
      message: expect.stringContaining(
        'Guardrail no-word refused the result: it contains a word. The call was executed;',
      ),
      code: -31013,
      data: expect.objectContaining({ outcome: 'executed', retriable: false }),
    });
  });

  it('hide the definitions that they refuse, and refuse calls of these tools', async () => {
    await apply({ 'no-word': { check: 'word', servers: ['one'], phases: ['definitions'], options: { word: SECRET } } });
    const made = await client();
    const names = (await made.list('tools')).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['one__echo', 'two__poisoned']));
    expect(names).not.toContain('one__poisoned');
    await expect(made.call('one__poisoned', {})).rejects.toThrow(
      /Guardrail no-word refused the definition of the tool/,
    );
    expect(textOf(await made.call('two__poisoned', {}))).toBe('poisoned');
  });

  it('show the definitions that they change, and judge each definition once', async () => {
    await apply({ masked: { check: 'word', phases: ['definitions'], options: { word: SECRET, replacement: '***' } } });
    const made = await client();
    const { runs } = gateway.application.get(WordCheck);
    const list = () => made.list('tools');
    expect(JSON.stringify(await list())).not.toContain(SECRET);
    expect(await list()).toContainEqual(
      expect.objectContaining({ name: 'one__poisoned', description: 'Ignore this: ***' }),
    );
    expect(textOf(await made.call('one__poisoned', {}))).toBe('poisoned');
    expect(gateway.application.get(WordCheck).runs - runs).toBe(6);
  });

  it('change nothing while they observe, and count what they would have done', async () => {
    const options = { word: SECRET };
    await apply({
      watching: { check: 'word', mode: 'observe', options },
      asking: { check: 'asking', mode: 'observe' },
    });
    const made = await client();
    expect(textOf(await made.call('one__echo', { text: SECRET }))).toBe(SECRET);
    expect((await made.list('tools')).map(({ name }) => name)).toContain('one__poisoned');
    await until(async () => {
      const metrics = await (
        await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } })
      ).text();
      return (
        /guardrail_decisions_total\{guardrail="watching",check="word",phase="arguments",mode="observe",decision="refused"\}/.test(
          metrics,
        ) && /guardrail="asking",check="asking",phase="arguments",mode="observe",decision="asked"/.test(metrics)
      );
    });
  });

  it('see arguments after every interceptor of an extension, and results before it', async () => {
    await apply({
      'no-word': { check: 'word', phases: ['arguments'], options: { word: SECRET } },
      masked: { check: 'word', phases: ['results'], options: { word: SECRET, replacement: '***' } },
    });
    const made = await client();
    const received = server.calls.length;
    await expect(made.call('one__echo', { text: 'smuggle' })).rejects.toThrow(/Guardrail no-word refused/);
    expect(server.calls.length).toBe(received);
    results.length = 0;
    expect(textOf(await made.call('one__leak', {}))).toBe('The word is ***.');
    expect(JSON.stringify(results)).toContain('The word is ***.');
  });

  it('are named in the record of a call with what they did, or would have done', async () => {
    await apply({
      masked: { check: 'word', order: 1, phases: ['results'], options: { word: SECRET, replacement: '***' } },
      watching: { check: 'word', order: 2, mode: 'observe', phases: ['results'], options: { word: 'The' } },
      broken: { check: 'broken', order: 3, onFailure: 'pass', phases: ['results'] },
      silent: { check: 'word', order: 4, options: { word: 'nowhere' } },
      final: { check: 'word', order: 5, phases: ['results'], options: { word: 'is' } },
    });
    const made = await client();
    records.length = 0;
    await expect(made.call('one__leak', {})).rejects.toThrow(/Guardrail final refused/);
    await until(() => records.some(({ item }) => item === 'leak'));
    expect(records.find(({ item }) => item === 'leak')).toMatchObject({
      outcome: 'executed',
      code: -31_013,
      guardrails: ['masked: changed', 'watching: would have refused', 'broken: failed', 'final: refused'],
    });
  });

  it('are not named in the record of a call that they pass', async () => {
    await apply({ silent: { check: 'word', options: { word: 'nowhere' } } });
    const made = await client();
    records.length = 0;
    await made.call('one__echo', { text: 'hello' });
    await until(() => records.some(({ item }) => item === 'echo'));
    expect(records.find(({ item }) => item === 'echo')?.guardrails).toBeUndefined();
  });

  it('do not run while they are off', async () => {
    await apply({ resting: { check: 'broken', mode: 'off' } });
    expect(textOf(await (await client()).call('one__echo', { text: 'a' }))).toBe('a');
  });

  it('refuse when their check fails, or let pass, as they are configured', async () => {
    await apply({
      strict: { check: 'broken', servers: ['one'] },
      lenient: { check: 'broken', servers: ['two'], onFailure: 'pass' },
    });
    const made = await client();
    await expect(made.call('one__echo', { text: 'a' })).rejects.toThrow(
      /Guardrail strict refused .*: its check failed\./,
    );
    expect(textOf(await made.call('two__echo', { text: 'a' }))).toBe('a');
  });

  it('select by the teams of the caller', async () => {
    await apply({ 'for-finance': { check: 'broken', teams: ['finance'] } });
    expect(textOf(await (await client()).call('one__echo', { text: 'a' }))).toBe('a');
    await gateway.configure({
      servers: { one: { transport: 'http', url: server.url }, two: { transport: 'http', url: server.url } },
      teams: { finance: { members: ['tester'] } },
    });
    const made = await client();
    await until(() =>
      made.call('one__echo', { text: 'a' }).then(
        () => false,
        () => true,
      ),
    );
    await expect(made.call('one__echo', { text: 'a' })).rejects.toThrow(/Guardrail for-finance refused/);
    await gateway.configure({
      servers: { one: { transport: 'http', url: server.url }, two: { transport: 'http', url: server.url } },
      teams: { finance: {} },
    });
    await until(() =>
      made.call('one__echo', { text: 'a' }).then(
        () => true,
        () => false,
      ),
    );
  });
});

describe('the admin API explains guardrails', () => {
  it('which of them select a call, and what they decide about its arguments', async () => {
    const options = { word: SECRET };
    await apply({
      deciding: { check: 'word', order: 1, options },
      elsewhere: { check: 'word', servers: ['two'], options },
      asking: { check: 'asking', order: 2 },
    });
    const request = { caller: { subject: 'ada' }, server: 'one', name: 'echo' };
    const selected = async (args?: JsonObject) =>
      (await send('POST', '/policy/explain', { ...request, ...(args && { args }) })).json['guardrails'];
    expect(await selected()).toEqual([
      {
        guardrail: 'deciding',
        check: 'word',
        mode: 'enforce',
        phases: ['arguments', 'results', 'definitions', 'questions'],
      },
      { guardrail: 'asking', check: 'asking', mode: 'enforce', phases: ['arguments'] },
    ]);
    expect(await selected({ text: SECRET })).toMatchObject([
      { guardrail: 'deciding', decision: 'refused', reason: 'it contains a word' },
      { guardrail: 'asking', decision: 'asked' },
    ]);
    expect(await selected({ text: 'fine' })).toMatchObject([{ decision: 'passed' }, { decision: 'asked' }]);
  });

  it('what one of them makes of a value', async () => {
    await apply({ masked: { check: 'word', mode: 'off', options: { word: SECRET, replacement: '***' } } });
    const value = { text: SECRET };
    expect(await send('POST', '/guardrails/masked/try', { phase: 'results', value })).toMatchObject({
      status: 200,
      json: { decision: 'changed', findings: [{ kind: 'word', count: 1 }], value: { text: '***' } },
    });
    await apply({ asking: { check: 'asking' } });
    expect(await send('POST', '/guardrails/asking/try', { phase: 'results', value })).toMatchObject({ status: 422 });
    expect(await send('POST', '/guardrails/none/try', { phase: 'results', value })).toMatchObject({ status: 404 });
  });
});
