/** What a worker tells the primary about its start. */
export type WorkerReport =
  /** It takes requests. `isFirst`: its greeting has what is shown once only. */
  | { readonly kind: 'listening'; readonly greeting: string; readonly isFirst: boolean }
  /** It cannot start, in words for the person who starts it. */
  | { readonly kind: 'fault'; readonly text: string };

/** The report in a message between processes; undefined when it is something else. */
export function readWorkerReport(message: unknown): WorkerReport | undefined {
  if (typeof message !== 'object' || message === null || !('isthmus' in message)) return undefined;
  // Only our own build sends under this name, and over a channel that nobody else can reach.
  return message.isthmus as WorkerReport;
}

/** Tells the primary. Resolves when the message is out, so that a worker may end right after. */
export function sendWorkerReport(report: WorkerReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send({ isthmus: report }, undefined, {}, () => resolve());
  });
}
