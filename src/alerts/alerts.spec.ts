import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Webhook as Signature } from 'standardwebhooks';
import { AddressGuard } from '#lib/address-guard';
import { loadConfig } from '#lib/config';
import { RedisConfig } from '#lib/redis';
import { ManualClock } from '#lib/testing/manual-clock';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startWebhookReceiver, type WebhookReceiver } from '#lib/testing/webhook-receiver';
import { until } from '../../test/support/until.js';
import { Coordination } from '../coordination/index.js';
import { GatewayEvents } from '../events/index.js';
import { LocalAlertStore, type AlertStore } from './alert-store.js';
import { Alerts, AlertsConfig } from './index.js';
import { RedisAlertStore } from './redis-alert-store.js';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const DOWN = {
  occurrence: 'billing 1',
  quietMs: 3_600_000,
  data: { server: 'billing', failures: 3, reason: 'refused' },
};

let receiver: WebhookReceiver;
let clock: ManualClock;
const started: Alerts[] = [];

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

beforeEach(async () => {
  receiver = await startWebhookReceiver();
  // Receivers reject timestamps that differ from their own time by more than five minutes.
  clock = new ManualClock(Date.now());
});

afterEach(async () => {
  for (const alerts of started.splice(0)) await alerts.onApplicationShutdown();
  await receiver.close();
});

function startWorker(
  store: AlertStore = new LocalAlertStore(),
  { urls = [`${receiver.url}/hooks/CANARY`], networks = ['127.0.0.0/8'] } = {},
): { readonly events: GatewayEvents; readonly alerts: Alerts } {
  const config = Object.assign(new AlertsConfig(), { webhookUrls: urls, webhookSecret: SECRET });
  const events = new GatewayEvents(clock);
  const alerts = new Alerts(config, store, events, new AddressGuard(networks), clock);
  started.push(alerts);
  return { events, alerts };
}

/** Resolves once the latest alert has such a delivery. */
async function untilDelivery(alerts: Alerts, expected: { state: string; attempts: number }): Promise<void> {
  await until(async () => {
    const [alert] = await alerts.list();
    const [delivery] = alert?.deliveries ?? [];
    return delivery?.state === expected.state && delivery.attempts === expected.attempts;
  });
}

describe('an alert', () => {
  it('is posted once for an occurrence, signed by Standard Webhooks, and listed without the path of the webhook', async () => {
    const { events, alerts } = startWorker();
    for (let count = 0; count < 3; count += 1) events.emit('server.down', DOWN);
    await untilDelivery(alerts, { state: 'delivered', attempts: 1 });
    const [{ headers, body } = { headers: {}, body: '' }, ...others] = receiver.received;
    expect(others).toEqual([]);
    const payload = new Signature(SECRET).verify(body, headers);
    expect(payload).toEqual({ type: 'server.down', timestamp: new Date(clock.now()).toISOString(), data: DOWN.data });
    const listed = await alerts.list();
    expect(listed).toMatchObject([{ id: headers['webhook-id'], type: 'server.down', deliveries: [{ status: 204 }] }]);
    expect(JSON.stringify(listed)).not.toContain('CANARY');
  });

  it('is news again when its time of quiet is over, and at once for another occurrence', async () => {
    const { events, alerts } = startWorker();
    events.emit('server.down', DOWN);
    events.emit('server.down', { ...DOWN, occurrence: 'billing 3' });
    await until(async () => (await alerts.list()).length === 2);
    await clock.advance(DOWN.quietMs);
    events.emit('server.down', DOWN);
    await until(async () => (await alerts.list()).length === 3);
    expect((await alerts.list()).map(({ type }) => type)).toEqual(Array.from({ length: 3 }, () => 'server.down'));
  });

  it('is sent again with the same id, later each time, until the receiver accepts it', async () => {
    receiver.statuses.push(500, 503);
    const { events, alerts } = startWorker();
    events.emit('server.down', DOWN);
    await untilDelivery(alerts, { state: 'pending', attempts: 1 });
    await clock.advance(4_999);
    expect(receiver.received).toHaveLength(1);
    await clock.advance(1_001);
    await untilDelivery(alerts, { state: 'pending', attempts: 2 });
    await clock.advance(36_000);
    await untilDelivery(alerts, { state: 'delivered', attempts: 3 });
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it.each([
    [410, 'The receiver wants no more alerts (410).'],
    [302, undefined],
  ])('is not sent to another place, and not again after 410 (status %i)', async (status, error) => {
    receiver.statuses.push(status);
    const { events, alerts } = startWorker();
    events.emit('server.down', DOWN);
    await untilDelivery(alerts, { state: status === 410 ? 'failed' : 'pending', attempts: 1 });
    expect(receiver.received).toHaveLength(1);
    if (error !== undefined) expect((await alerts.list())[0]?.deliveries).toMatchObject([{ error }]);
  });

  it('is not sent to an address that is not allowed', async () => {
    const { events, alerts } = startWorker(undefined, { networks: [] });
    events.emit('server.down', DOWN);
    await untilDelivery(alerts, { state: 'pending', attempts: 1 });
    expect(receiver.received).toEqual([]);
    expect((await alerts.list())[0]?.deliveries).toMatchObject([
      { error: expect.stringMatching(/The address is neither public .*ISTHMUS_ALLOWED_NETWORKS/) },
    ]);
  });

  it('is listed without webhooks, and sent nowhere', async () => {
    const { events, alerts } = startWorker(undefined, { urls: [] });
    events.emit('server.down', DOWN);
    await until(async () => (await alerts.list()).length === 1);
    expect([alerts.hasWebhooks, await alerts.list()]).toMatchObject([false, [{ deliveries: [] }]]);
  });

  it('that waits for its next attempt is reported as failed when the worker ends', async () => {
    receiver.statuses.push(500);
    const { events, alerts } = startWorker();
    events.emit('server.down', DOWN);
    await untilDelivery(alerts, { state: 'pending', attempts: 1 });
    await alerts.onApplicationShutdown();
    expect((await alerts.list())[0]?.deliveries).toMatchObject([{ state: 'failed', attempts: 1 }]);
  });

  it('of which one delivery fails is one warning, whatever happens to the others', async () => {
    const warnings: string[] = [];
    const spy = jest
      .spyOn(Logger.prototype, 'warn')
      .mockImplementation((line: unknown) => void warnings.push(String(line)));
    const other = await startWebhookReceiver();
    receiver.statuses.push(410);
    other.statuses.push(500, 500);
    const { events, alerts } = startWorker(undefined, { urls: [receiver.url, other.url] });
    const untilOther = (state: string, attempts: number) =>
      until(async () => {
        const delivery = (await alerts.list())[0]?.deliveries[1];
        return delivery?.state === state && delivery.attempts === attempts;
      });
    events.emit('server.down', DOWN);
    await untilDelivery(alerts, { state: 'failed', attempts: 1 });
    await untilOther('pending', 1);
    await clock.advance(6_000);
    await untilOther('pending', 2);
    await clock.advance(36_000);
    await untilOther('delivered', 3);
    spy.mockRestore();
    await other.close();
    expect(warnings).toEqual([expect.stringContaining(`was not delivered to ${new URL(receiver.url).origin}`)]);
  });

  it('as a test is sent once to every webhook, and returns the answers', async () => {
    receiver.statuses.push(204, 500);
    const { alerts } = startWorker(undefined, { urls: [receiver.url, receiver.url] });
    const { type, deliveries } = await alerts.test();
    expect(type).toBe('alert.test');
    expect(deliveries.map(({ state }) => state).toSorted()).toEqual(['delivered', 'failed']);
    expect(receiver.received).toHaveLength(2);
  });
});

describe('alerts of two workers', () => {
  let redis: RunningRedis;
  let coordination: Coordination;

  beforeAll(async () => {
    redis = await startRedis();
    coordination = new Coordination(Object.assign(new RedisConfig(), { url: redis.url }));
    await until(() => coordination.redis?.commands.isReady === true);
  });

  beforeEach(() => coordination.redis?.commands.send('FLUSHALL'));

  afterAll(async () => {
    coordination.onApplicationShutdown();
    await redis.stop();
  });

  const shared = () => new RedisAlertStore(coordination.redis!, Buffer.alloc(32, 7));

  it('about the same occurrence are one, which both list', async () => {
    const both = [startWorker(shared()), startWorker(shared())];
    for (const { events } of both) events.emit('server.down', DOWN);
    for (const { alerts } of both) await untilDelivery(alerts, { state: 'delivered', attempts: 1 });
    expect(receiver.received).toHaveLength(1);
    const [one, other] = await Promise.all(both.map(({ alerts }) => alerts.list()));
    expect(one).toHaveLength(1);
    expect(other).toEqual(one);
    const stored = (await coordination.redis?.commands.send('HGETALL', coordination.redis.keys.alerts)) as string[];
    expect(JSON.stringify(stored)).not.toContain('billing');
  });

  it('are kept up to a number, the latest first', async () => {
    const store = shared();
    const alert = (at: number) => ({ id: `msg_${at}`, type: 'alert.test', at, data: {}, deliveries: [] }) as const;
    for (let at = 1; at <= 203; at += 1) await store.save(alert(at));
    const listed = await store.list();
    expect([listed.length, listed[0]?.at, listed.at(-1)?.at]).toEqual([200, 203, 4]);
  });

  it('are raised by each worker while Redis is unavailable', async () => {
    const unavailable = () => Promise.reject(new Error('Redis is unavailable'));
    const { events } = startWorker({ claim: unavailable, save: unavailable, list: unavailable });
    events.emit('server.down', DOWN);
    await until(() => receiver.received.length > 0);
    expect(receiver.received).toHaveLength(1);
  });
});

describe('the settings of alerts', () => {
  const URL_SETTING = { ISTHMUS_ALERT_WEBHOOK_URL: 'https://hooks.example.com/a,http://alertmanager:9093/b' };

  it('need a secret with a webhook', () => {
    expect(() => loadConfig([AlertsConfig], URL_SETTING)).toThrow('ISTHMUS_ALERT_WEBHOOK_SECRET');
    expect(() => loadConfig([AlertsConfig], { ...URL_SETTING, ISTHMUS_ALERT_WEBHOOK_SECRET: 'short' })).toThrow(
      'openssl rand -base64 32',
    );
    const [{ webhookUrls }] = loadConfig([AlertsConfig], { ...URL_SETTING, ISTHMUS_ALERT_WEBHOOK_SECRET: SECRET });
    expect(webhookUrls).toEqual(['https://hooks.example.com/a', 'http://alertmanager:9093/b']);
    expect(loadConfig([AlertsConfig], {})[0].webhookUrls).toEqual([]);
  });
});
