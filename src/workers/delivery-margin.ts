/** For what lies between another worker's own deadline and its answer's arrival here. */
export const DELIVERY_MARGIN_MS = 5_000;
