/** @waits */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { LegacyRawClient, ModernRawClient } from '#lib/testing/raw-client';
import { startOtlpReceiver, type OtlpReceiver } from '#lib/testing/otlp-receiver';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { startWebhookReceiver, type WebhookReceiver } from '#lib/testing/webhook-receiver';
import { AdminClient } from '../support/admin-client.js';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { until } from '../support/until.js';

const METRICS_TOKEN = 'planted-metrics-token-0123456789ab';
/** Every planted secret contains this text. */
const MARK = 'planted';
const planted = (what: string): string => `${MARK}-${what}-4711`;

/** The library of Standard Webhooks requires base64, so it contains no mark. */
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
/** Some calls of `echo` are admitted, and further ones refused. */
const LIMITS = { few: { tools: ['echo'], rate: '4/1h' } };
const auditFile = (): string => join(folder, 'audit.jsonl');

/** Repeats its credentials in a refusal, as some servers do. */
let indiscreet: Server;
let receiver: OtlpReceiver;
let webhooks: WebhookReceiver;
/** Contains the stream of audit records. */
let folder: string;
let redis: RunningRedis;
let servers: readonly ReferenceServer[];
let cluster: TestCluster;
let token: string;

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** A program that prints what it was given and ends. */
const TALKATIVE = `console.error(process.env.API_KEY, process.argv.join(' ')); console.log(process.env.API_KEY); process.exit(3)`;

function definitions(legacy: ReferenceServer, modern: ReferenceServer) {
  const withSecrets = ({ url }: ReferenceServer) => ({
    transport: 'http',
    url: `${url}?api_key=${planted('query-of-server')}`,
    headers: { Authorization: `Bearer ${planted('header-of-server')}` },
    timeouts: { request: '1s' },
  });
  return {
    legacy: withSecrets(legacy),
    modern: withSecrets(modern),
    indiscreet: {
      transport: 'http',
      url: `http://127.0.0.1:${portOf(indiscreet)}/mcp?k=${planted('query-of-server')}`,
      headers: { 'X-Key': planted('header-of-server') },
    },
    talkative: {
      transport: 'stdio',
      command: process.execPath,
      args: ['-e', TALKATIVE, '--', '--token', planted('argument-of-program')],
      env: { API_KEY: planted('variable') },
    },
  };
}

beforeAll(async () => {
  indiscreet = createServer((request, response) => {
    const message = `bad key ${String(request.headers['x-key'])} at ${request.url}`;
    response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message } }));
  }).listen(0, '127.0.0.1');
  await once(indiscreet, 'listening');
  [receiver, webhooks, redis] = await Promise.all([startOtlpReceiver(), startWebhookReceiver(), startRedis()]);
  folder = await mkdtemp(join(tmpdir(), 'isthmus-audit-'));
  const [legacy, modern] = await Promise.all([
    startReferenceServer({ era: 'legacy', transport: 'http' }),
    startReferenceServer({ era: 'modern', transport: 'http' }),
  ]);
  servers = [legacy, modern];
  cluster = await startCluster({
    workers: 0,
    redis: redis.url,
    servers: definitions(legacy, modern),
    limits: LIMITS,
    env: {
      ISTHMUS_LOG_LEVEL: 'debug',
      ISTHMUS_METRICS_TOKEN: METRICS_TOKEN,
      ISTHMUS_AUDIT_CALLS: 'all',
      ISTHMUS_AUDIT_STREAMS: `file://${auditFile()}`,
      ISTHMUS_ALERT_WEBHOOK_URL: `${webhooks.url}/${planted('path-of-webhook')}`,
      ISTHMUS_ALERT_WEBHOOK_SECRET: WEBHOOK_SECRET,
      ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8',
      ISTHMUS_HEALTH_INTERVAL: '1s',
      ISTHMUS_HEALTH_DOWN_AFTER: '1',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${planted('header-of-collector')}`,
    },
  });
  await cluster.addWorker({ ISTHMUS_LOG_FORMAT: 'json' });
  await cluster.addWorker({ ISTHMUS_LOG_FORMAT: 'text' });
  token = await cluster.token();
});

afterAll(async () => {
  await cluster.stop();
  await Promise.all(servers.map((server) => server.close()));
  await redis.stop();
  await Promise.all([receiver.close(), webhooks.close(), rm(folder, { recursive: true })]);
  indiscreet.closeAllConnections();
  indiscreet.close();
});

const SECRETS: JsonObject = {
  text: planted('argument'),
  key: planted('argument'),
  name: planted('argument'),
  nested: { password: planted('argument') },
};
const META: JsonObject = { baggage: `user=${planted('baggage')}`, 'vendor/x': planted('meta') };

/** Calls that succeed, fail, are refused and time out, and whatever else carries a secret. */
async function callEverything({ url }: ClusterWorker): Promise<void> {
  const options = { token, capabilities: { elicitation: { form: {} } } };
  const legacy = new LegacyRawClient(`${url}/mcp`, options);
  const modern = new ModernRawClient(`${url}/mcp?access_token=${planted('query-of-client')}`, options);
  await legacy.connect();
  for (const client of [legacy, modern]) {
    const call = (name: string, more: JsonObject = {}) =>
      client.request('tools/call', { name, arguments: SECRETS, _meta: META, ...more });
    for (const server of ['legacy', 'modern'])
      for (const tool of ['echo', 'throw_error', 'hold', 'nowhere']) await call(`${server}__${tool}`);
    for (const server of ['indiscreet', 'talkative']) await call(`${server}__anything`);
    await client.request('resources/read', {
      uri: `https://me:${planted('userinfo')}@x.example/?k=${planted('query')}`,
    });
    await client.request('prompts/get', { name: 'legacy__nowhere', arguments: { secret: planted('argument') } });
  }
  await answerQuestion(modern);
  await refuse(url);
  await Promise.all([legacy.close(), modern.close()]);
}

async function answerQuestion(client: ModernRawClient): Promise<void> {
  const call = { name: 'legacy__ask_name', arguments: {} };
  const { answers } = await client.request('tools/call', call);
  const { requestState = null, inputRequests } = (answers[0] ?? {})['result'] as Record<string, JsonValue>;
  const [key = ''] = Object.keys(inputRequests as JsonObject);
  const answer = { action: 'accept', content: { name: planted('answer') } };
  const repeated = await client.request('tools/call', { ...call, requestState, inputResponses: { [key]: answer } });
  expect(repeated.body).toContain(planted('answer'));
}

/** Requests that are refused at the door. */
async function refuse(url: string): Promise<void> {
  const bodies = ['{ "broken": "planted-body-4711', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })];
  const tokens = [token, planted('token')];
  for (const path of ['/mcp', '/rpc', '/messages', '/servers/nowhere/mcp', `/mcp?token=${planted('query-of-client')}`])
    for (const body of bodies)
      for (const bearer of tokens) {
        const headers = {
          authorization: `Bearer ${bearer}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'x-api-key': planted('header-of-client'),
          cookie: `session=${planted('cookie')}`,
          'mcp-session-id': planted('session'),
          'mcp-method': 'tools/list',
        };
        await (await fetch(url + path, { method: 'POST', headers, body })).text();
      }
}

const ADMIN_READS = [
  '/servers',
  '/servers/talkative',
  '/servers/talkative/health',
  '/servers/indiscreet/health',
  '/health',
  '/audit',
  '/alerts',
  '/usage?by=principal,tool',
  '/usage?by=team,server',
  '/settings',
  '/sessions',
  '/upstream-sessions',
  '/parked-calls',
  '/workers',
];

async function readAll(worker: ClusterWorker): Promise<Record<string, string>> {
  const admin = new AdminClient(cluster, ['admin', 'auditor']);
  const reads = ADMIN_READS.map(async (path) => {
    const { status, json } = await admin.get(worker, path);
    expect([path, status]).toEqual([path, 200]);
    return [`admin ${path}`, JSON.stringify(json)] as const;
  });
  const metrics = await fetch(`${worker.url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
  expect(metrics.status).toBe(200);
  const probes = await Promise.all(['/health/live', '/health/ready'].map((path) => fetch(worker.url + path)));
  return {
    ...Object.fromEntries(await Promise.all(reads)),
    metrics: await metrics.text(),
    probes: (await Promise.all(probes.map((probe) => probe.text()))).join(),
    log: worker.output,
    'audit as JSON Lines': await exportAudit(worker, 'jsonl'),
    'audit as CSV': await exportAudit(worker, 'csv'),
  };
}

async function exportAudit({ url }: ClusterWorker, format: string): Promise<string> {
  const headers = { authorization: `Bearer ${await cluster.token({ subject: 'ops', roles: ['auditor'] })}` };
  const response = await fetch(`${url}/admin/v1/audit/export?format=${format}`, { headers });
  expect(response.status).toBe(200);
  return response.text();
}

/** The texts around the secrets, and nothing if there are none. */
const findSecrets = (text: string): string[] =>
  Array.from(text.matchAll(new RegExp(`.{0,120}${MARK}-.{0,40}`, 'g')), ([found]) => found);

/** Resolves once every account contains what its last call or event caused. */
async function untilAccounted(): Promise<void> {
  await until(() => cluster.workers.every(({ output }) => output.includes('ask_name')));
  await receiver.until((spans) => spans.some(({ name }) => name === 'elicitation/create'));
  await receiver.until((spans) => spans.filter(({ name }) => name === 'tools/call ask_name').length >= 4);
  for (const event of ['"type":"server.down"', '"type":"limit.reached"'])
    await webhooks.until((received) => received.some(({ body }) => body.includes(event)));
  // Each worker made two records of its last call, which had a question, and refused some requests after it.
  await until(async () => (await readFile(auditFile(), 'utf8')).split('"item":"ask_name"').length > 4);
  await until(async () => (await exportAudit(cluster.workers[0]!, 'jsonl')).split('"item":"ask_name"').length > 4);
}

it('no secret of a call or of a server is in the log, metrics, traces, audit log, webhooks or what administrators read', async () => {
  for (const worker of cluster.workers) await callEverything(worker);
  await untilAccounted();
  const ofWorkers = await Promise.all(cluster.workers.map(readAll));
  const texts = [
    ...ofWorkers.flatMap((read) => Object.entries(read)),
    ['audit file', await readFile(auditFile(), 'utf8')],
    ['webhooks', webhooks.received.map(({ headers, body }) => JSON.stringify(headers) + body).join('\n')],
    ['traces', receiver.text],
  ] as const;
  for (const [where, text = ''] of texts) {
    expect([where, findSecrets(text)]).toEqual([where, []]);
    for (const secret of [token, WEBHOOK_SECRET]) expect([where, text.includes(secret)]).toEqual([where, false]);
  }
  // The test would prove nothing if the secrets had never been there.
  const [json] = cluster.workers;
  expect(json?.output).toContain('[hidden]');
});
