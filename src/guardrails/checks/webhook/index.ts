export { WebhookCheck } from './webhook-check.js';
export { WebhookOptions } from './webhook-options.js';
