export { createOnce } from './create-once.js';
export { DataFolder, readCredentialSecrets, type Secrets } from './data-folder.js';
export { DataFolderConfig } from './data-folder.config.js';
export { DataFolderFault } from './data-folder.errors.js';
export { DataFolderModule } from './data-folder.module.js';
