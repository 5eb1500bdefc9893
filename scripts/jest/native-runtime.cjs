// Jest runtime that leaves loading to Node: `import` of a test file is Node's own, with hooks that compile TypeScript.
// It offers the part of jest-runtime's interface that jest-runner and jest-circus call; module mocks are not part of it.
const { shouldInstrument } = require('@jest/transform');
const { CoverageInstrumenter } = require('collect-v8-coverage');
const { fileURLToPath, pathToFileURL } = require('node:url');
const { installHooks } = require('./module-hooks.cjs');
const { setCurrentFile } = require('./globals.cjs');

const EVENT_HANDLERS = Symbol.for('EVENT_HANDLERS');

module.exports = class NativeRuntime {
  constructor(config, environment, _resolver, transformer, _cacheFs, coverage, testPath) {
    this.config = config;
    this.environment = environment;
    this.coverage = coverage;
    this.modules = installHooks({ rootDir: config.rootDir, testPath, transformer, coverage });
  }

  /** jest-circus registers tests in state of its own module: each test file needs a fresh one. */
  requireInternalModule(path) {
    delete require.cache[path];
    delete globalThis[EVENT_HANDLERS];
    return require(path);
  }

  requireModule(path) {
    return require(path);
  }

  unstable_shouldLoadAsEsm() {
    return true;
  }

  async unstable_importModule(path) {
    await import(pathToFileURL(path).href);
  }

  setGlobalsForRuntime(globals) {
    setCurrentFile(globals, this.environment);
  }

  getSourceMaps() {
    return this.modules.sourceMaps;
  }

  async collectV8Coverage() {
    this.instrumenter = new CoverageInstrumenter();
    await this.instrumenter.startInstrumenting();
  }

  async stopCollectingV8Coverage() {
    this.covered = await this.instrumenter.stopInstrumenting();
  }

  getAllV8CoverageInfoCopy() {
    return this.covered.flatMap((script) => {
      const path = script.url.startsWith('file://') ? fileURLToPath(script.url) : '';
      const codeTransformResult = this.modules.compiled.get(path);
      const isCounted = codeTransformResult !== undefined && shouldInstrument(path, this.coverage, this.config);
      return isCounted ? [{ codeTransformResult, result: { ...script, url: path } }] : [];
    });
  }

  getAllCoverageInfoCopy() {}
  clearAllMocks() {
    this.environment.moduleMocker.clearAllMocks();
  }
  resetAllMocks() {
    this.environment.moduleMocker.resetAllMocks();
  }
  restoreAllMocks() {
    this.environment.moduleMocker.restoreAllMocks();
  }
  enterTestCode() {}
  leaveTestCode() {}
  teardown() {}
};
