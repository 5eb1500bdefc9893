import { Webhook } from 'standardwebhooks';

const SECRET = /^whsec_(?:[A-Za-z\d+/]{4}){8,21}(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;

/** Says what the secret of a webhook must be, after its name. */
export const WEBHOOK_SECRET_FORM =
  'must be whsec_ and 24 to 64 bytes in base64: echo "whsec_$(openssl rand -base64 32)"';

/** Returns whether a text is a secret that signs webhooks: `whsec_` and 24 to 64 bytes in base64. */
export const isWebhookSecret = (text: unknown): text is string => typeof text === 'string' && SECRET.test(text);

export interface WebhookMessage {
  /** Identifies the message for its receiver; a repetition has the same id. */
  readonly id: string;
  /** When it is sent, in milliseconds since the Unix epoch. */
  readonly sentAtMs: number;
  readonly body: string;
}

/**
 * The headers that sign a message by Standard Webhooks (https://www.standardwebhooks.com): id, time, and a signature of both and the
 * body.
 */
export function signedHeaders(
  secret: string,
  { id, sentAtMs, body }: WebhookMessage,
): Readonly<Record<string, string>> {
  const sentAt = new Date(sentAtMs);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(sentAtMs / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, sentAt, body),
  };
}
