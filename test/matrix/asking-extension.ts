import { fileURLToPath } from 'node:url';
import AskingExtension from '../extensions/asking-extension.js';
import type { LoadedExtension } from './workers.js';

/** The extension of the rows about extensions. */
export const ASKING_EXTENSION: LoadedExtension = {
  module: AskingExtension,
  file: fileURLToPath(new URL('../../dist/test/extensions/asking-extension.js', import.meta.url)),
};
