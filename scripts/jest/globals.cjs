// What `@jest/globals` exports: the functions of the test file that runs now. Modules that test files share import it
// once per worker process, so what they get refers to the current file at each call.

let current = { globals: {}, environment: undefined };

function setCurrentFile(globals, environment) {
  current = { globals, environment };
}

/** Proxy of `it`, `describe` and the like, including their members (`it.each`). */
const globalOf = (name) =>
  new Proxy(() => undefined, {
    apply: (_target, _self, args) => current.globals[name](...args),
    get: (_target, key) => current.globals[name][key],
  });

const TIMER_METHODS = [
  'advanceTimersByTime',
  'advanceTimersByTimeAsync',
  'advanceTimersToNextTimer',
  'advanceTimersToNextTimerAsync',
  'clearAllTimers',
  'getTimerCount',
  'now',
  'runAllTicks',
  'runAllTimers',
  'runAllTimersAsync',
  'runOnlyPendingTimers',
  'runOnlyPendingTimersAsync',
  'setSystemTime',
  'useFakeTimers',
  'useRealTimers',
];
const MOCK_METHODS = ['clearAllMocks', 'fn', 'mocked', 'replaceProperty', 'resetAllMocks', 'restoreAllMocks', 'spyOn'];

const jest = {};
const RETURN_JEST = new Set(['useFakeTimers', 'useRealTimers', 'clearAllMocks', 'resetAllMocks', 'restoreAllMocks']);
function delegate(names, owner) {
  for (const name of names) {
    jest[name] = (...args) => {
      const result = owner()[name](...args);
      return RETURN_JEST.has(name) ? jest : result;
    };
  }
}
delegate(TIMER_METHODS, () => current.environment.fakeTimersModern);
delegate(MOCK_METHODS, () => current.environment.moduleMocker);

const NAMES = ['afterAll', 'afterEach', 'beforeAll', 'beforeEach', 'describe', 'expect', 'it', 'test'];
const sharedGlobals = { ...Object.fromEntries(NAMES.map((name) => [name, globalOf(name)])), jest };
const currentGlobals = () => ({ ...current.globals, jest });

module.exports = { currentGlobals, setCurrentFile, sharedGlobals };
