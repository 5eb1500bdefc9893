export { SecretsCheck } from './secrets-check.js';
export { SECRET_RULES } from './secret-rule.js';
