import { ExtensionFault } from './extension.errors.js';

/** The longest time that a timer of Node can measure, in milliseconds. A longer one would end at once. */
export const MAX_DEADLINE_MS = 2_147_483_647;

/**
 * @param subject names the contribution
 * @throws ExtensionFault for numbers that decorators state and that the gateway could not observe
 */
export function refuseUnusableOptions(options: object, subject: string): void {
  const { order, deadlineMs } = options as { readonly order?: number; readonly deadlineMs?: number };
  if (order !== undefined && !Number.isFinite(order))
    throw new ExtensionFault(`${subject} states the order ${order}. State a finite number.`);
  if (deadlineMs !== undefined && !isDeadline(deadlineMs))
    throw new ExtensionFault(
      `${subject} states the deadlineMs ${deadlineMs}. State a whole number from 1 to ${MAX_DEADLINE_MS}.`,
    );
}

const isDeadline = (ms: number): boolean => Number.isInteger(ms) && ms >= 1 && ms <= MAX_DEADLINE_MS;
