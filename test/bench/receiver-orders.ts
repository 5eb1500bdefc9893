import type { Order } from './orders.js';

/** What a receiver of traces has received so far. */
export interface ReceiverReport {
  readonly requests: number;
  readonly bytes: number;
}

export const RECEIVER_ORDER: Order<ReceiverReport> = { order: 'received traces' };
