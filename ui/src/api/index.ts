export { TOKENS, useTokens, type AccessToken } from './access-tokens.js';
export {
  allPages,
  allWorkerPages,
  api,
  dataOf,
  GATEWAY_URL,
  handleUnauthenticated,
  versionOf,
  type OfWorkers,
  type Versioned,
} from './client.js';
export { useExpiringCredentials, type ExpiringCredential } from './expiring-credentials.js';
export { reopenLiveFigures, useLiveFigures, useLiveRefusal, type LiveFigures } from './live-figures.js';
export { useOpenApiDocument, type JsonSchema, type OpenApiDocument } from './openapi-document.js';
export type { Operation } from './operation.js';
export { requestPage } from './page-request.js';
export { ApiProblem, isConflict } from './problem.js';
export { queryClient } from './query-client.js';
export type { components } from './schema.js';
