/** The effects of interceptors on prompts, resources and completions, for every kind of client and server. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import {
  CallInterceptor,
  GatewayError,
  InterceptsCalls,
  type InterceptedCall,
  type InterceptedMethod,
  type JsonObject,
  type NextCall,
} from '#lib/extension-kit';
import { startGateway, type TestGateway } from '#lib/testing/kit';
import { CLIENT_TRANSPORTS, rawClient } from '#lib/testing/raw-client';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';

const OWN_RESULTS: Readonly<Partial<Record<InterceptedMethod, JsonObject>>> = {
  'prompts/get': { messages: [{ role: 'user', content: { type: 'text', text: 'from acme' } }] },
  'resources/read': { contents: [{ uri: 'test://acme', text: 'from acme' }] },
  'completion/complete': { completion: { values: ['from acme'] } },
};

const seen: InterceptedCall[] = [];

/** The first argument of a prompt, the typed text of a completion, and the id in the URI of a resource say what to do. */
@InterceptsCalls({ methods: ['prompts/get', 'resources/read', 'completion/complete'] })
class Acting extends CallInterceptor {
  override async intercept(call: InterceptedCall, next: NextCall): Promise<JsonObject> {
    seen.push(call);
    switch (readOrder(call)) {
      case 'change':
        return next({ arguments: change(call.arguments) });
      case 'sign':
        return { ...(await next()), _meta: { 'acme/signed': true } };
      case 'refuse':
        throw new GatewayError(-31_950, 'Acme refuses.', 403);
      case 'answer':
        return OWN_RESULTS[call.method] ?? {};
      case 'fail':
        throw new Error('a secret of the interceptor');
      default:
        return next();
    }
  }
}

function readOrder({ method, arguments: args, item }: InterceptedCall): unknown {
  if (method === 'resources/read') return /^test:\/\/template\/(\w+)\/data$/.exec(item.name)?.[1];
  return method === 'prompts/get' ? args['arg1'] : (args['argument'] as JsonObject | undefined)?.['value'];
}

const change = (args: JsonObject): JsonObject =>
  'argument' in args ? { argument: { name: 'arg1', value: 'testa' } } : { ...args, arg1: 'changed' };

@Module({ providers: [Acting] })
class Acme {}

const ERAS = ['legacy', 'modern'] as const;
const servers = {} as Record<(typeof ERAS)[number], CountingServer>;
let gateway: TestGateway;

beforeAll(async () => {
  for (const era of ERAS) servers[era] = await startCountingServer({ era, transport: 'http' });
  gateway = await startGateway({
    servers: Object.fromEntries(ERAS.map((era) => [era, servers[era].definition])),
    extensions: [Acme],
  });
});

afterAll(async () => {
  await gateway?.close();
  await Promise.all(ERAS.map((era) => servers[era]?.close()));
});

beforeEach(() => {
  seen.length = 0;
});

interface Kind {
  readonly method: keyof typeof OWN_RESULTS;
  /** Parameters with an order for the interceptor. */
  readonly params: (order: string) => JsonObject;
  /** Part of the result for changed arguments. Absent: the request has none. */
  readonly changed?: string;
}

const KINDS: readonly Kind[] = [
  {
    method: 'prompts/get',
    params: (arg1) => ({ name: 'test_prompt_with_arguments', arguments: { arg1, arg2: 'b' } }),
    changed: "arg1='changed', arg2='b'",
  },
  {
    method: 'completion/complete',
    params: (value) => ({
      ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
      argument: { name: 'arg1', value },
    }),
    changed: 'testament',
  },
  { method: 'resources/read', params: (id) => ({ uri: `test://template/${id}/data` }) },
];

const CELLS = KINDS.flatMap((kind) =>
  CLIENT_TRANSPORTS.flatMap((transport) => ERAS.map((era) => ({ ...kind, transport, era }))),
);

describe.each(CELLS)('$method, for a client of $transport with a $era server', (cell) => {
  const { method, params, changed, transport, era } = cell;

  /** The answer to a request with an order, and how many requests the server has received for it. */
  async function send(order: string) {
    const client = rawClient(transport, `${gateway.url}/servers/${era}`, { token: await gateway.token() });
    try {
      await client.connect();
      const before = servers[era].requests.count(method);
      const { answers } = await client.request(method, params(order));
      return { answer: answers[0], received: servers[era].requests.count(method) - before };
    } finally {
      await client.close();
    }
  }

  it('reaches the server once when no interceptor acts, and each interceptor once', async () => {
    expect(await send('pass')).toMatchObject({ answer: { result: expect.anything() }, received: 1 });
    expect(seen.map((call) => [call.method, call.item.server.slug])).toEqual([[method, era]]);
  });

  it('is answered with the result that an interceptor has changed', async () => {
    expect(await send('sign')).toMatchObject({ answer: { result: { _meta: { 'acme/signed': true } } }, received: 1 });
  });

  it('is refused by an interceptor before the server receives it', async () => {
    const data = { outcome: 'not_executed' };
    expect(await send('refuse')).toMatchObject({
      answer: { error: { code: -31_950, message: 'Acme refuses.', data } },
      received: 0,
    });
  });

  it('is answered by an interceptor instead of the server', async () => {
    expect(await send('answer')).toMatchObject({ answer: { result: OWN_RESULTS[method] }, received: 0 });
  });

  it('fails with the name of an interceptor that failed, and not with its reason', async () => {
    const { answer, received } = await send('fail');
    expect(answer).toMatchObject({ error: { code: -32_603, message: expect.stringContaining('Acting') } });
    expect(JSON.stringify(answer)).not.toContain('secret');
    expect(received).toBe(0);
  });

  if (changed === undefined)
    it('fails when an interceptor changes its arguments, of which it has none', async () => {
      expect(await send('change')).toMatchObject({ answer: { error: { code: -32_603 } }, received: 0 });
    });
  else
    it('is sent with the arguments that an interceptor has changed', async () => {
      const { answer, received } = await send('change');
      expect(JSON.stringify(answer)).toContain(changed);
      expect(received).toBe(1);
    });
});
