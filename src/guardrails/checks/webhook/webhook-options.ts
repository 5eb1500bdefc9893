import { ValidateBy } from 'class-validator';
import { isSecureUrl, isWebhookSecret, Secret, WEBHOOK_SECRET_FORM } from '#lib/extension-kit';

const MAX_URL_LENGTH = 2_000;

/** Options of the check `webhook`. */
export class WebhookOptions {
  /**
   * URL of the service: `https`, or `http` on this machine. Its address must be public or in `ISTHMUS_ALLOWED_NETWORKS`. User and
   * password are not allowed.
   */
  @ValidateBy({
    name: 'isServiceUrl',
    validator: {
      validate: isServiceUrl,
      defaultMessage: () => 'url must be an https URL, or an http URL of this machine, without user and password',
    },
  })
  readonly url!: string;

  /** Secret that signs requests (Standard Webhooks): `whsec_` and 24 to 64 random bytes in base64. */
  @Secret()
  @ValidateBy({
    name: 'isWebhookSecret',
    validator: { validate: isWebhookSecret, defaultMessage: () => `secret ${WEBHOOK_SECRET_FORM}` },
  })
  readonly secret!: string;
}

function isServiceUrl(text: unknown): boolean {
  const url = typeof text === 'string' && text.length <= MAX_URL_LENGTH ? URL.parse(text) : null;
  return url !== null && url.username === '' && url.password === '' && isSecureUrl(url);
}
