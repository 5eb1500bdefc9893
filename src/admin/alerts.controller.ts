import { ConflictException, Get, HttpCode, Post, ServiceUnavailableException } from '@nestjs/common';
import { Alerts, type Alert, type Delivery } from '../alerts/index.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

type DeliveryResponse = Omit<Delivery, 'attemptedAt'> & {
  /** RFC 3339. */
  readonly attemptedAt?: string;
};

/** An alert and its deliveries. */
interface AlertResponse extends Omit<Alert, 'at' | 'deliveries'> {
  /** RFC 3339. */
  readonly at: string;
  readonly deliveries: readonly DeliveryResponse[];
}

interface AlertsResponse {
  /** Latest first; at most 200. */
  readonly items: readonly AlertResponse[];
}

/** Recent alerts of all workers, and their deliveries to webhooks. */
@AdminController('alerts')
export class AlertsController {
  constructor(private readonly alerts: Alerts) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'List the recent alerts and their deliveries to webhooks', response: 'Alerts' })
  async list(): Promise<AlertsResponse> {
    const alerts = await this.alerts.list().catch(() => {
      throw new ServiceUnavailableException('Redis is unavailable; the alerts cannot be read. Retry later.');
    });
    return { items: alerts.map(toResponse) };
  }

  /** Waits for the answers of the webhooks, for at most ten seconds. */
  @Post('test')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Send a test alert to every webhook, and report the answers', response: 'Alert' })
  async test(): Promise<AlertResponse> {
    if (!this.alerts.hasWebhooks)
      throw new ConflictException('No webhook is configured. Set ISTHMUS_ALERT_WEBHOOK_URL and its secret.');
    return toResponse(await this.alerts.test());
  }
}

function toResponse({ at, deliveries, ...alert }: Alert): AlertResponse {
  return {
    ...alert,
    at: new Date(at).toISOString(),
    deliveries: deliveries.map(({ attemptedAt, ...delivery }) => ({
      ...delivery,
      ...(attemptedAt !== undefined && { attemptedAt: new Date(attemptedAt).toISOString() }),
    })),
  };
}
