import { OutcomeError } from '#lib/extension-kit';
import type { Outcome } from '#lib/mcp-protocol';
import { isNotRun } from './connections.errors.js';

/**
 * Sends a notification, and sends it once more if it was certainly not delivered because its connection had ended. Rejects with an
 * OutcomeError if the server has not received it, and with the GatewayErrors of `send`.
 * @param send sends the notification over a connection that is open then
 */
export async function deliverOnce(send: () => Promise<Outcome>, signal?: AbortSignal): Promise<void> {
  let delivery = await send();
  if (isNotRun(delivery) && signal?.aborted !== true) delivery = await send();
  if (delivery.kind === 'error') throw new OutcomeError(delivery);
}
