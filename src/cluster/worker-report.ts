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

/** Message of the primary to a worker: the greeting was printed. */
export const GREETING_PRINTED = { isthmusGreeting: 'printed' } as const;

/** Resolves when the primary has printed the greeting, or is gone. Must be called before the report is sent. */
export function waitForGreeting(): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      process.off('message', read).off('disconnect', settle);
      resolve();
    };
    const read = (message: unknown): void => {
      if (typeof message === 'object' && message !== null && 'isthmusGreeting' in message) settle();
    };
    process.on('message', read).on('disconnect', settle);
  });
}
