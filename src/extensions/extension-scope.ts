import { AsyncLocalStorage } from 'node:async_hooks';

/** Name of the extension whose code runs. */
const running = new AsyncLocalStorage<string | undefined>();

/** Runs code of an extension, so that what it leaves behind is known to be the extension's. */
export const runAsExtension = <T>(name: string, run: () => T): T => running.run(name, run);

/** Runs code of the gateway that an extension has called. */
export const runAsGateway = <T>(run: () => T): T => running.run(undefined, run);

/**
 * Runs a method of a strategy that answers at once. A promise in place of its answer is returned as it is, and its rejection is
 * handled.
 */
export function askAtOnce(name: string, ask: () => unknown): unknown {
  const answer = runAsExtension(name, ask);
  return answer instanceof Promise ? handled(answer) : answer;
}

/** A promise that an extension receives or has made: its rejection must not end the process when nobody handles it. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** A rejection that an extension receives, and may ignore. */
export const rejectHandled = (cause: Error): Promise<never> => handled(Promise.reject(cause));

/**
 * Logs rejections that nobody handles where an extension caused them, instead of ending the worker with all its calls. Others, a
 * defect of the gateway, end the process as without this function. Returns a function that stops it.
 * @param report receives the name of the extension
 */
export function containRejections(report: (extension: string, cause: unknown) => void): () => void {
  const onRejection = (cause: unknown): void => {
    const extension = running.getStore();
    // Thrown here, it is an uncaught exception, which ends the process.
    if (extension === undefined) throw cause;
    report(extension, cause);
  };
  process.on('unhandledRejection', onRejection);
  return () => void process.off('unhandledRejection', onRejection);
}
