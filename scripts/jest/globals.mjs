// `@jest/globals` as a module of Node. The test file itself imports this with a query and gets its own functions, so that
// its failures show its own lines; modules that files share get functions that refer to whichever file runs.
import { currentGlobals, sharedGlobals } from './globals.cjs';

const isOfOneFile = import.meta.url.includes('?');
export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } = isOfOneFile
  ? currentGlobals()
  : sharedGlobals;
