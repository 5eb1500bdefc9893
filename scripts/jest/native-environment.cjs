// Jest test environment without a virtual machine context: a test file runs in the worker process's own global scope, so
// that Node loads each shared module once per worker. What a file changes globally is restored when the file ends.
// Jest loads environments with `require`, hence the extension.
const { ModernFakeTimers } = require('@jest/fake-timers');
const { ModuleMocker } = require('jest-mock');
const { FileClock } = require('./file-clock.cjs');

/**
 * The global scope as the fake timers see it. It is not `globalThis` itself, because they would replace the functions of
 * the module `node:timers` as well, which Node and the test runner use. Its `process` is an object of its own, because
 * Node's streams need the real `nextTick` at all times.
 */
function fakeableGlobal() {
  const ownProcess = Object.create(process);
  return new Proxy(globalThis, {
    get: (target, key) => (key === 'process' ? ownProcess : Reflect.get(target, key)),
    set: (target, key, value) => Reflect.set(target, key, value),
  });
}

/** Remembers the state of the process that a test file may change. */
function processState() {
  const { console } = globalThis;
  const exit = Object.getOwnPropertyDescriptor(process, 'exit');
  const env = { ...process.env };
  return {
    restore() {
      globalThis.console = console;
      Object.defineProperty(process, 'exit', exit);
      for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
      Object.assign(process.env, env);
    },
  };
}

module.exports = class NativeEnvironment {
  constructor({ globalConfig, projectConfig }, { testPath }) {
    this.global = globalThis;
    this.state = processState();
    this.moduleMocker = new ModuleMocker(globalThis);
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: fakeableGlobal() });
    this.clock = new FileClock(globalConfig.rootDir, testPath);
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose();
    this.moduleMocker.restoreAllMocks();
    this.state.restore();
    this.clock.report();
  }

  handleTestEvent(event) {
    this.clock.see(event);
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  /** Jest collects coverage only from environments that have this method. */
  getVmContext() {
    return null;
  }
};
