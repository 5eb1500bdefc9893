/** What a worker reports to the primary about its start. */
export type WorkerReport =
  /** The worker accepts requests. `isFirst`: its greeting contains what is shown only once. */
  | { readonly kind: 'listening'; readonly greeting: string; readonly isFirst: boolean }
  /** The worker cannot start. `text` explains why to the person who starts it. */
  | { readonly kind: 'fault'; readonly text: string };

/** Returns the report in an inter-process message, or undefined for any other message. */
export function readWorkerReport(message: unknown): WorkerReport | undefined {
  if (typeof message !== 'object' || message === null || !('isthmus' in message)) return undefined;
  // Only this build sends messages with this member, over a channel that no other process can reach.
  return message.isthmus as WorkerReport;
}

/** Sends a report to the primary. Resolves when it is sent, so that the worker may exit afterwards. */
export function sendWorkerReport(report: WorkerReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send({ isthmus: report }, undefined, {}, () => resolve());
  });
}
