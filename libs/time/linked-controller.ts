/**
 * Makes a controller that is aborted with the signal, too, for a signal that ends with one request: nothing detaches the two. A signal of
 * `AbortSignal.any` costs ten times as much.
 */
export function createLinkedController(signal: AbortSignal): AbortController {
  const control = new AbortController();
  const abort = (): void => control.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return control;
}
