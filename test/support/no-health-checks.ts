/** Settings of gateways whose spec counts what servers receive. */
export const NO_HEALTH_CHECKS = { ISTHMUS_HEALTH_INTERVAL: '0s' } as const;
