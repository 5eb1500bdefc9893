import { ArrayMaxSize, IsUrl, ValidateBy, ValidateIf } from 'class-validator';
import { Env } from '#lib/config';
import { isWebhookSecret, WEBHOOK_SECRET_FORM } from '#lib/webhooks';

/** Alerts to webhooks. Without a URL nothing is sent. */
export class AlertsConfig {
  /**
   * URLs to which alerts are posted, separated by commas; at most 8. Their addresses must be public or in
   * `ISTHMUS_ALLOWED_NETWORKS`.
   */
  @Env('ISTHMUS_ALERT_WEBHOOK_URL', { secret: true })
  @ArrayMaxSize(8)
  @IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false }, { each: true })
  readonly webhookUrls: readonly string[] = [];

  /**
   * Secret that signs alerts (Standard Webhooks): `whsec_` and 24 to 64 random bytes in base64, for example
   * `echo whsec_$(openssl rand -base64 32)`. Required with `ISTHMUS_ALERT_WEBHOOK_URL`.
   */
  @Env('ISTHMUS_ALERT_WEBHOOK_SECRET', { secret: true })
  @ValidateIf(({ webhookUrls, webhookSecret }: AlertsConfig) => webhookUrls.length > 0 || webhookSecret !== undefined)
  @ValidateBy({
    name: 'isWebhookSecret',
    validator: { validate: isWebhookSecret, defaultMessage: () => `webhookSecret ${WEBHOOK_SECRET_FORM}` },
  })
  readonly webhookSecret?: string;
}
