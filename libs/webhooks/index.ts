export { isWebhookSecret, signedHeaders, WEBHOOK_SECRET_FORM, type WebhookMessage } from './signed-headers.js';
