import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AddressGuard } from '#lib/address-guard';
import type { GatewayEvent, GatewayEventType } from '#lib/extension-kit';
import { Clock } from '#lib/time';
import { GatewayEvents } from '../events/index.js';
import type { Alert, AlertType, Delivery } from './alert.js';
import { AlertStore } from './alert-store.js';
import { AlertsConfig } from './alerts.config.js';
import { DeliveryQueue, toDelivery } from './delivery-queue.js';
import { Webhook } from './webhook.js';

const ALERTED: readonly GatewayEventType[] = [
  'server.down',
  'server.recovered',
  'tool.quarantined',
  'limit.reached',
  'approval.requested',
  'audit.sink_down',
  'audit.sink_recovered',
];
/** Maximum number of occurrences that this worker remembers. Beyond it the oldest is forgotten. */
const MAX_OCCURRENCES = 10_000;

/** Turns events into alerts, one for an occurrence however many workers notice it, and sends them to the webhooks. */
@Injectable()
export class Alerts implements OnApplicationShutdown {
  private readonly logger = new Logger('Alerts');
  private readonly webhooks: readonly Webhook[];
  private readonly queue: DeliveryQueue;
  /** The monotonic time until which an occurrence is no news, by type and occurrence. */
  private readonly quietUntil = new Map<string, number>();
  /** The alerts of this worker whose deliveries are not complete. */
  private readonly pending = new Map<string, Alert>();
  private readonly stopListening: () => void;

  constructor(
    { webhookUrls, webhookSecret = '' }: AlertsConfig,
    private readonly store: AlertStore,
    events: GatewayEvents,
    guard: AddressGuard,
    private readonly clock: Clock,
  ) {
    this.webhooks = webhookUrls.map((url) => new Webhook(url, webhookSecret, guard, clock));
    this.queue = new DeliveryQueue(this.webhooks, clock, (alert, index, delivery) => {
      const { deliveries, ...rest } = this.pending.get(alert.id) ?? alert;
      this.save({ ...rest, deliveries: deliveries.with(index, delivery) });
      this.warnIfFailed(alert, delivery);
    });
    this.stopListening = events.on(ALERTED, (event) => this.receive(event));
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopListening();
    this.queue.close();
    await Promise.all(this.webhooks.map((webhook) => webhook.close()));
  }

  /** True if alerts are sent anywhere. */
  get hasWebhooks(): boolean {
    return this.webhooks.length > 0;
  }

  /** The recent alerts of all workers, latest first. Rejects with RedisFault. */
  list(): Promise<readonly Alert[]> {
    return this.store.list();
  }

  /** Sends a test to every webhook, once, and returns how each answered. */
  async test(): Promise<Alert> {
    const alert = this.create('alert.test', this.clock.now(), {});
    const deliveries = await Promise.all(
      this.webhooks.map(async (webhook) => toDelivery(webhook, await webhook.send(alert), 1, true, this.clock.now())),
    );
    const tested = { ...alert, deliveries };
    this.save(tested);
    for (const delivery of deliveries) this.warnIfFailed(alert, delivery);
    return tested;
  }

  private async receive({ type, occurrence, quietMs, at, data }: GatewayEvent): Promise<void> {
    const key = `${type} ${occurrence}`;
    if (!this.isNews(key, quietMs)) return;
    // Without Redis, an alert from each worker is better than none.
    if (!(await this.store.claim(key, quietMs).catch(() => true))) return;
    const alert = this.create(type, at, { ...data });
    this.save(alert);
    this.queue.add(alert);
  }

  private isNews(key: string, quietMs: number): boolean {
    const now = this.clock.monotonicNow();
    if (now < (this.quietUntil.get(key) ?? 0)) return false;
    this.quietUntil.delete(key);
    this.quietUntil.set(key, now + quietMs);
    const [oldest] = this.quietUntil.keys();
    if (this.quietUntil.size > MAX_OCCURRENCES && oldest !== undefined) this.quietUntil.delete(oldest);
    return true;
  }

  private create(type: AlertType, at: number, data: Alert['data']): Alert {
    const deliveries = this.webhooks.map(({ origin }) => ({ webhook: origin, state: 'pending', attempts: 0 }) as const);
    return { id: `msg_${randomUUID().replaceAll('-', '')}`, type, at, data, deliveries };
  }

  private warnIfFailed({ id, type }: Alert, { state, webhook, error, attempts }: Delivery): void {
    if (state !== 'failed') return;
    this.logger.warn(`Alert ${id} (${type}) was not delivered to ${webhook} in ${attempts} attempts: ${error}`);
  }

  private save(alert: Alert): void {
    if (alert.deliveries.some(({ state }) => state === 'pending')) this.pending.set(alert.id, alert);
    else this.pending.delete(alert.id);
    this.store.save(alert).catch((cause: unknown) => this.logger.debug(`An alert was not stored: ${String(cause)}`));
  }
}
