import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { Webhook } from 'standardwebhooks';
import { AddressGuard, ANONYMOUS, type GuardrailSubject } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { describeErrors } from '#lib/validation';
import { createSubject } from '../subject-fixture.js';
import { WebhookCheck, WebhookOptions } from './index.js';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

let server: Server;
let check: WebhookCheck;
let respond: (response: ServerResponse) => void;
const received: { headers: IncomingHttpHeaders; body: string; path: string | undefined }[] = [];

beforeEach(async () => {
  received.length = 0;
  server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body, path: request.url });
      respond(response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  check = new WebhookCheck(new AddressGuard(['127.0.0.0/8']), new ManualClock(Date.now()));
});

afterEach(async () => {
  await check.onModuleDestroy();
  server.closeAllConnections();
  server.close();
});

const options = () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/judge`, secret: SECRET });
const answer = (body: unknown, status = 200) => {
  respond = (response) =>
    response.writeHead(status, { location: '/elsewhere' }).end(typeof body === 'string' ? body : JSON.stringify(body));
};
const judge = (subject: Partial<GuardrailSubject> = {}) =>
  check.check(createSubject({ path: '/a' }, { phase: 'arguments', ...(subject as object) }), options());

describe('the check webhook', () => {
  it('sends the value and its call, signed by Standard Webhooks', async () => {
    answer({ action: 'pass' });
    expect(
      await judge({ caller: { ...ANONYMOUS, principal: { issuer: 'i', subject: 'ada' }, claims: { x: 'CANARY' } } }),
    ).toEqual({
      action: 'pass',
    });
    const [{ headers, body } = { headers: {}, body: '' }] = received;
    expect(new Webhook(SECRET).verify(body, headers as Record<string, string>)).toEqual({
      type: 'guardrail.check',
      timestamp: expect.stringMatching(/^\d{4}-/),
      data: {
        phase: 'arguments',
        server: 'files',
        item: { kind: 'tools', name: 'run' },
        endpoint: 'default',
        method: 'tools/call',
        requestId: 'r1',
        caller: { issuer: 'i', subject: 'ada', roles: [], teams: [] },
        value: { path: '/a' },
      },
    });
    expect(body).not.toContain('CANARY');
  });

  it.each([
    [{ action: 'pass', more: 1 }, { action: 'pass' }],
    [
      { action: 'change', value: { path: '/b' } },
      { action: 'change', value: { path: '/b' }, findings: [{ kind: 'webhook', count: 1 }] },
    ],
    [
      { action: 'refuse', reason: 'Not\n\u202Eallowed.', findings: [{ kind: 'acme-rule', count: 2 }] },
      { action: 'refuse', reason: 'Not allowed.', findings: [{ kind: 'acme-rule', count: 2 }] },
    ],
    [
      { action: 'refuse' },
      {
        action: 'refuse',
        reason: 'A policy of your organization refuses this.',
        findings: [{ kind: 'webhook', count: 1 }],
      },
    ],
  ])('returns the verdict of the answer %j', async (body, verdict) => {
    answer(body);
    expect(await judge()).toEqual(verdict);
  });

  it('keeps the digits of long numbers in a changed value', async () => {
    answer('{"action":"change","value":{"id":12345678901234567890}}');
    expect(JSON.stringify(await judge())).toContain('"id":12345678901234567890');
  });

  it.each<[string, unknown, number, RegExp]>([
    ['an error', {}, 500, /status 500 instead of 200/],
    ['a redirect', {}, 307, /status 307/],
    ['no content', '', 204, /status 204/],
    ['no JSON', 'CANARY', 200, /not valid JSON/],
    ['no object', '[]', 200, /not a JSON object/],
    ['no action', { action: 'CANARY' }, 200, /no action "pass"/],
    ['no value', { action: 'change', value: ['CANARY'] }, 200, /no object "value"/],
    ['an invalid finding', { action: 'pass', findings: [{ kind: 'CANARY x' }] }, 200, /finding without a kind/],
    ['an endless answer', `"${'x'.repeat(1_100_000)}"`, 200, /more than 1048576 bytes/],
  ])('fails for %s, repeats nothing of it and follows no redirect', async (_name, body, status, message) => {
    answer(body, status);
    const fault: unknown = await judge().catch((error: unknown) => error);
    expect(String(fault)).toMatch(message);
    expect(String(fault)).not.toContain('CANARY');
    expect(received).toHaveLength(1);
  });

  it('connects to no internal address unless its network is allowed', async () => {
    answer({ action: 'pass' });
    const guarded = new WebhookCheck(new AddressGuard(), new ManualClock(Date.now()));
    await expect(guarded.check(createSubject({}), options())).rejects.toThrow(/ISTHMUS_ALLOWED_NETWORKS/);
    expect(received).toEqual([]);
    await guarded.onModuleDestroy();
  });

  it('ends with the signal of its subject', async () => {
    const deadline = new AbortController();
    respond = () => deadline.abort(new Error('deadline'));
    await expect(judge({ signal: deadline.signal })).rejects.toThrow('deadline');
  });

  it.each([
    [{ secret: SECRET, url: 'http://example.org' }, /^url must be an https URL/],
    [{ secret: SECRET, url: 'https://user:x@example.org' }, /^url must be an https URL/],
    [{ secret: SECRET }, /^url is missing/],
    [{ secret: 'CANARY', url: 'https://example.org' }, /^secret must be whsec_/],
    [{ url: 'https://example.org' }, /^secret is missing/],
  ])('refuses the options %j', (given, message) => {
    const faults = describeErrors(validateSync(plainToInstance(WebhookOptions, given)));
    expect(faults.map((fault) => `${fault.path} ${fault.message}`)).toEqual([expect.stringMatching(message)]);
    expect(JSON.stringify(faults)).not.toContain('CANARY');
  });

  it.each(['https://guard.example.org/x', 'http://127.0.0.1:8080', 'http://localhost/x', 'http://[::1]:1'])(
    'accepts the URL %s',
    (url) => expect(validateSync(plainToInstance(WebhookOptions, { url, secret: SECRET }))).toEqual([]),
  );
});
