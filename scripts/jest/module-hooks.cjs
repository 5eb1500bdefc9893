// Hooks of Node's module loader for the process of a test worker: `#lib/…` and `./x.js` name TypeScript sources, which
// Jest's own transformer compiles (and caches on disk), and `@jest/globals` is that of the test file that runs.
const { existsSync, readFileSync } = require('node:fs');
const { registerHooks } = require('node:module');
const { fileURLToPath, pathToFileURL } = require('node:url');
const { compiled: compileTime } = require('./file-clock.cjs');

const now = performance.now.bind(performance);
const LIB = '#lib/';
const TRANSFORM_OPTIONS = {
  supportsDynamicImport: true,
  supportsExportNamespaceFrom: true,
  supportsStaticESM: true,
  supportsTopLevelAwait: true,
};

const globalsUrl = pathToFileURL(`${__dirname}/globals.mjs`).href;
const isSource = (url) => url.startsWith('file:') && url.endsWith('.ts') && !url.includes('/node_modules/');

/** The URL of the TypeScript source that an import names, if it names one. */
function sourceUrl(specifier, parentUrl, { rootUrl, testUrl }) {
  if (specifier === '@jest/globals') return parentUrl === testUrl ? `${globalsUrl}?${testUrl}` : globalsUrl;
  if (specifier.startsWith(LIB)) return new URL(`libs/${specifier.slice(LIB.length)}/index.ts`, rootUrl).href;
  if (!specifier.startsWith('.') || !specifier.endsWith('.js') || !isSource(parentUrl ?? '')) return undefined;
  const url = new URL(`${specifier.slice(0, -'.js'.length)}.ts`, parentUrl);
  return existsSync(url) ? url.href : undefined;
}

class ModuleHooks {
  /** Per source file: its compiled code, for coverage. */
  compiled = new Map();
  /** Per source file, by path and by URL: the path of its source map, for stack traces. */
  sourceMaps = new Map();

  constructor(rootDir) {
    this.rootUrl = pathToFileURL(`${rootDir}/`);
    registerHooks({
      resolve: (specifier, context, next) => {
        const url = sourceUrl(specifier, context.parentURL, this);
        return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
      },
      load: (url, context, next) =>
        isSource(url) ? { format: 'module', source: this.compile(url), shortCircuit: true } : next(url, context),
    });
  }

  compile(url) {
    const startedAt = now();
    const path = fileURLToPath(url);
    const { transformer, coverage } = this.options;
    const source = readFileSync(path, 'utf8');
    const result = transformer.transform(path, { ...coverage, ...TRANSFORM_OPTIONS }, source);
    this.compiled.set(path, { ...result });
    if (result.sourceMapPath !== null) {
      this.sourceMaps.set(path, result.sourceMapPath);
      this.sourceMaps.set(url, result.sourceMapPath);
    }
    compileTime.ms += now() - startedAt;
    return result.code;
  }
}

let hooks;

/** Jest makes a transformer per test file; the hooks are installed once per process and use the newest. */
function installHooks({ rootDir, testPath, transformer, coverage }) {
  hooks ??= new ModuleHooks(rootDir);
  hooks.testUrl = pathToFileURL(testPath).href;
  hooks.options = { transformer, coverage };
  return hooks;
}

module.exports = { installHooks };
