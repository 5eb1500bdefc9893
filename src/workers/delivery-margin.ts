/** Added to another worker's own deadline, for the delivery of its reply. */
export const DELIVERY_MARGIN_MS = 5_000;
