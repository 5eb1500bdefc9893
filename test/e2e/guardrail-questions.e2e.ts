/** Guardrails that ask the caller, and guardrails that judge what a server asks or fails with, for both eras of clients and servers. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Era, JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { GuardingModule } from '../support/guarding-checks.js';
import { textOf, type Answers, type SdkClient } from '../support/sdk-client.js';

const QUESTION_WORD = 'name';
const ANSWER_WORD = 'Ada';
const ERAS: readonly Era[] = ['legacy', 'modern'];

const servers = new Map<Era, ReferenceServer>();
const gateways: TestGateway[] = [];
const clients: SdkClient[] = [];

beforeAll(async () => {
  for (const era of ERAS) servers.set(era, await startReferenceServer({ era, transport: 'http' }));
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const gateway of gateways.splice(0)) await gateway.close();
});

afterAll(async () => {
  for (const server of servers.values()) await server.close();
});

const KINDS = [CLIENTS[0]!, CLIENTS.find(({ era }) => era === 'modern')!].flatMap((kind) =>
  ERAS.map((serverEra) => ({ ...kind, serverEra })),
);

describe.each(KINDS)('questions and guardrails, for $name and a $serverEra server', ({ connect, path, ...kind }) => {
  let server: ReferenceServer;

  beforeAll(() => {
    server = servers.get(kind.serverEra)!;
  });

  /** A client of a gateway with these guardrails, and the messages of the questions that it receives. */
  async function clientOf(guardrails: Record<string, JsonObject>, action: 'accept' | 'decline' = 'accept') {
    const gateway = await startGateway({
      servers: { ref: { transport: 'http', url: server.url } },
      guardrails,
      extensions: [GuardingModule],
    });
    gateways.push(gateway);
    const asked: unknown[] = [];
    const answers: Partial<Answers> = {
      elicit: ({ message }) => {
        asked.push(message);
        return action === 'accept' ? { action, content: { name: 'Ada' } } : { action };
      },
    };
    const url = `${gateway.url}/servers/ref/${path}`;
    const client = await connect({ url, token: await gateway.token(), answers });
    clients.push(client);
    return { client, asked };
  }

  const APPROVALS = { first: { check: 'asking' }, second: { check: 'asking', order: 1 } };

  it('each guardrail asks the caller, and the call runs once after the consent to all', async () => {
    const { client, asked } = await clientOf(APPROVALS);
    const before = server.calls.of('echo').finished;
    expect(textOf(await client.call('echo', { text: 'approved' }))).toBe('approved');
    expect(asked).toEqual(['May I?', 'May I?']);
    expect(server.calls.of('echo').finished).toBe(before + 1);
  });

  it('a call that the caller declines does not run', async () => {
    const { client } = await clientOf(APPROVALS, 'decline');
    const before = server.calls.of('echo').started;
    await expect(client.call('echo', { text: 'declined' })).rejects.toThrow(
      'Guardrail first refused the arguments: you declined. The call was not executed.',
    );
    expect(server.calls.of('echo').started).toBe(before);
  });

  it('a question of the server that a guardrail refuses never reaches the client', async () => {
    const options = { word: QUESTION_WORD };
    const { client, asked } = await clientOf({ quiet: { check: 'word', phases: ['questions'], options } });
    await expect(client.call('ask_name')).rejects.toMatchObject({
      code: -31_013,
      message: expect.stringContaining('Guardrail quiet refused a question of the server: it contains a word.'),
      data: expect.objectContaining({ outcome: 'unknown' }),
    });
    expect(asked).toEqual([]);
  });

  it('a question of the server that a guardrail changes reaches the client as changed', async () => {
    const options = { word: QUESTION_WORD, replacement: '***' };
    const { client, asked } = await clientOf({ masked: { check: 'word', phases: ['questions'], options } });
    await client.call('ask_name').catch(() => undefined);
    expect(asked).toEqual(['What is your ***?']);
  });

  it('an answer of the client that a guardrail refuses never reaches the server, and is not repeated', async () => {
    const options = { word: ANSWER_WORD };
    const { client } = await clientOf({ private: { check: 'word', phases: ['questions'], options } });
    const before = server.calls.of('ask_name').finished;
    const refused = client.call('ask_name');
    // A modern server that gave the client no state has begun nothing that would wait for the answer.
    const isStateless = kind.era === 'modern' && kind.serverEra === 'modern';
    await expect(refused).rejects.toMatchObject({
      code: -31_013,
      message: expect.stringContaining(
        'Guardrail private refused the answer to a question of the server: it contains a word.',
      ),
      data: expect.objectContaining({ outcome: isStateless ? 'not_executed' : 'unknown', retriable: false }),
    });
    await expect(refused).rejects.not.toThrow(ANSWER_WORD);
    expect(server.calls.of('ask_name').finished).toBe(before);
  });

  it('an answer of the client that a guardrail changes reaches the server as changed', async () => {
    const options = { word: ANSWER_WORD, replacement: 'Bob' };
    const { client } = await clientOf({ renamed: { check: 'word', phases: ['questions'], options } });
    expect(textOf(await client.call('ask_name'))).toBe('accept: Bob');
  });

  const missing = `test://nowhere/${QUESTION_WORD}`;

  it('an error of the server loses what a guardrail masks in its message and its data', async () => {
    const options = { word: 'o', replacement: '0' };
    const { client } = await clientOf({ masked: { check: 'word', phases: ['results'], options } });
    await expect(client.read(missing)).rejects.toMatchObject({
      message: expect.stringContaining('Res0urce n0t f0und'),
      data: expect.objectContaining({ uri: missing.replaceAll('o', '0') }),
    });
  });

  it('an error of the server that a guardrail refuses stays an error, and is not repeated', async () => {
    const options = { word: 'not found' };
    const { client } = await clientOf({ quiet: { check: 'word', phases: ['results'], options } });
    const refused = client.read(missing);
    await expect(refused).rejects.toMatchObject({
      code: -31_013,
      message: expect.stringContaining('Guardrail quiet refused the error of the server: it contains a word.'),
      data: expect.objectContaining({ outcome: 'executed', retriable: false }),
    });
    await expect(refused).rejects.not.toThrow('not found');
  });

  it('a server that demands a URL asks for nothing that a guardrail refuses', async () => {
    const options = { word: 'consent' };
    const { client, asked } = await clientOf({ quiet: { check: 'word', phases: ['results', 'questions'], options } });
    await expect(client.call('require_url', { id: 'a' })).rejects.toMatchObject({ code: -31_013 });
    expect(asked).toEqual([]);
  });
});
