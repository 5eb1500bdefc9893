export { COMMON_ACCOUNT, CredentialSource } from './credential-source.js';
export { CredentialsDiffer } from './credentials.errors.js';
export { EntryCredentials } from './entry-credentials.js';
export { ServerCredentials } from './server-credentials.js';
