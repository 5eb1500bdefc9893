import type { GatewayEventType } from '#lib/extension-kit';

/** Types of alerts: the events of the gateway, and a test that an admin requested. */
export type AlertType = GatewayEventType | 'alert.test';

/** How an alert reached one webhook. */
export interface Delivery {
  /** Scheme, host and port of the webhook: its path may contain a secret. */
  readonly webhook: string;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  /** Status of the last response. */
  readonly status?: number;
  /** Why the last attempt failed. */
  readonly error?: string;
  /** Time of the last attempt, in milliseconds since the Unix epoch. */
  readonly attemptedAt?: number;
}

/** An alert, which is sent to each webhook. */
export interface Alert {
  /** Value of `webhook-id`, which is equal in all attempts. */
  readonly id: string;
  readonly type: AlertType;
  /** When the event occurred, in milliseconds since the Unix epoch. */
  readonly at: number;
  readonly data: Readonly<Record<string, unknown>>;
  /** In the order of the webhooks in the settings. */
  readonly deliveries: readonly Delivery[];
}

/** The body of an alert, which is signed (Standard Webhooks: Payload structure). */
export const toPayload = ({ type, at, data }: Alert): string =>
  JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
