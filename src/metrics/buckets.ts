/** Upper bounds of the OpenTelemetry conventions for MCP, in seconds. */
export const CONVENTION_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
