/** One series as `promtool` reads it: a sample every 15 seconds. */
export interface Series {
  readonly series: string;
  readonly values: string;
}

/** What makes an alert fire, and what it then says. */
export interface AlertCase {
  readonly alert: string;
  readonly input: readonly Series[];
  /** When it does not fire yet, and when it does. */
  readonly quietAt: string;
  readonly firesAt: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

const of = (series: string, values: string): Series => ({ series, values });
const requests = (labels: string, values: string) => of(`isthmus_requests_total{instance="a", ${labels}}`, values);
const goodRequests = requests('server="bank", outcome="executed", error_type=""', '0+10x240');
const slowHistogram = (name: string, fast: string, quick: string): Series[] => [
  of(`${name}_bucket{instance="a", le="${fast}"}`, quick),
  of(`${name}_bucket{instance="a", le="5"}`, '0+100x240'),
  of(`${name}_bucket{instance="a", le="+Inf"}`, '0+100x240'),
];

/** What anyone can send: requests without a valid token, and far too many of them. */
const FROM_STRANGERS: readonly Series[] = [
  requests('server="", outcome="not_executed", error_type="invalid_request"', '0+9000x240'),
  requests('server="", outcome="not_executed", error_type="too_many_requests"', '0+9000x240'),
  of('isthmus_refusals_total{instance="a", reason="invalid_request"}', '0+9000x240'),
  of('isthmus_refusals_total{instance="a", reason="too_many_requests"}', '0+9000x240'),
];
/** What one caller with a valid token can send. */
const limitedCalls = requests('server="bank", outcome="not_executed", error_type="too_many_requests"', '0+9000x240');

/** A gateway that works, with errors and refusals that callers cause. */
export const HEALTHY: readonly Series[] = [
  of('up{job="isthmus", instance="a"}', '1x240'),
  of('isthmus_workers{instance="a"}', '2x240'),
  of('isthmus_database_up{instance="a"}', '1x240'),
  of('isthmus_redis_up{instance="a"}', '1x240'),
  of('isthmus_server_up{instance="a", server="bank"}', '1x240'),
  of('isthmus_event_loop_delay_p99_seconds{instance="a"}', '0.02x240'),
  requests('server="bank", outcome="executed", error_type=""', '0+100x240'),
  requests('server="bank", outcome="executed", error_type="invalid_params"', '0+50x240'),
  requests('server="bank", outcome="unknown", error_type="outcome_unknown"', '0+0.1x240'),
  of('isthmus_refusals_total{instance="a", reason="overloaded"}', '0+1x240'),
  of('isthmus_refusals_total{instance="a", reason="denied_by_policy"}', '0+90x240'),
  of('isthmus_limits_reached_total{instance="a", limit="few"}', '0+1x240'),
  of('isthmus_audit_sinks_down{instance="a"}', '0x240'),
  // Lost long ago.
  of('isthmus_audit_lost_total{instance="a"}', '7x240'),
  limitedCalls,
  ...FROM_STRANGERS,
  ...slowHistogram('isthmus_own_duration_seconds', '0.1', '0+100x240'),
  ...slowHistogram('isthmus_forward_latency_seconds', '0.01', '0+100x240'),
];

/** Every state lasts from the fifth minute on. */
export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: 'IsthmusTargetDown',
    input: [of('up{job="isthmus", instance="a"}', '1x19 0x200')],
    quietAt: '5m30s',
    firesAt: '6m30s',
    labels: { severity: 'page', job: 'isthmus', instance: 'a' },
    summary: 'Gateway a does not answer.',
  },
  {
    alert: 'IsthmusNotScraped',
    // As when service discovery finds the gateway no more.
    input: [of('up{job="isthmus", instance="a"}', '1x19 stale'), of('up{job="other", instance="b"}', '1x240')],
    quietAt: '9m',
    firesAt: '11m',
    labels: { severity: 'page', job: 'isthmus' },
    summary: 'Prometheus has no gateway to scrape.',
  },
  {
    alert: 'IsthmusWorkersMissing',
    input: [of('isthmus_workers{instance="a"}', '2x19 1x200')],
    quietAt: '14m',
    firesAt: '16m',
    labels: { severity: 'ticket', instance: 'a' },
    summary: 'Gateway a has fewer workers than within the last hour: 1.',
  },
  {
    alert: 'IsthmusDatabaseDown',
    input: [of('isthmus_database_up{instance="a"}', '1x19 0x200')],
    quietAt: '5m30s',
    firesAt: '6m30s',
    labels: { severity: 'page', instance: 'a' },
    summary: 'Gateway a cannot reach its database.',
  },
  {
    alert: 'IsthmusRedisDown',
    input: [of('isthmus_redis_up{instance="a"}', '1x19 0x200')],
    quietAt: '5m',
    firesAt: '6m',
    labels: { severity: 'page', instance: 'a' },
    summary: 'Gateway a cannot reach Redis.',
  },
  {
    alert: 'IsthmusAuditSinkDown',
    input: [of('isthmus_audit_sinks_down{instance="a"}', '0x19 2x200')],
    quietAt: '5m30s',
    firesAt: '6m30s',
    labels: { severity: 'page', instance: 'a' },
    summary: 'Gateway a cannot write its audit log.',
  },
  {
    alert: 'IsthmusAuditRecordsLost',
    input: [of('isthmus_audit_lost_total{instance="a"}', '0x19 0+10x200')],
    quietAt: '4m45s',
    firesAt: '20m',
    labels: { severity: 'page', instance: 'a' },
    summary: 'Gateway a has discarded 400 audit records within 10 minutes.',
  },
  {
    alert: 'IsthmusInternalErrors',
    input: [requests('server="bank", outcome="unknown", error_type="internal_error"', '_x19 1x200')],
    quietAt: '4m',
    firesAt: '6m',
    labels: { severity: 'ticket', instance: 'a' },
    summary: 'Gateway a reported an internal error.',
  },
  {
    alert: 'IsthmusServerDown',
    input: [
      of('isthmus_server_up{instance="a", server="bank"}', '1x19 0x200'),
      of('isthmus_server_up{instance="b", server="bank"}', '1x240'),
    ],
    quietAt: '9m',
    firesAt: '11m',
    labels: { severity: 'ticket', server: 'bank' },
    summary: 'Server bank does not answer its health checks.',
  },
  {
    alert: 'IsthmusServerFailing',
    input: [
      goodRequests,
      limitedCalls,
      requests('server="bank", outcome="not_executed", error_type="upstream_failed"', '0x19 0+10x200'),
    ],
    quietAt: '5m',
    firesAt: '20m',
    labels: { severity: 'ticket', server: 'bank' },
    summary: '50% of the calls of server bank fail.',
  },
  {
    alert: 'IsthmusUnknownOutcomes',
    input: [requests('server="bank", outcome="unknown", error_type="outcome_unknown"', '0x19 0+1x200')],
    quietAt: '5m',
    firesAt: '12m',
    labels: { severity: 'ticket', server: 'bank' },
    summary: 'Calls of server bank ended without a known outcome.',
  },
  {
    alert: 'IsthmusSlow',
    input: slowHistogram('isthmus_own_duration_seconds', '0.1', '0+90x240'),
    quietAt: '8m',
    firesAt: '12m',
    labels: { severity: 'ticket', instance: 'a' },
    summary: 'Gateway a itself takes more than 250 ms for 1 % of the requests.',
  },
  {
    alert: 'IsthmusEventLoopDelayed',
    input: [of('isthmus_event_loop_delay_p99_seconds{instance="a"}', '0.02x19 0.5x200')],
    quietAt: '9m',
    firesAt: '11m',
    labels: { severity: 'ticket', instance: 'a' },
    summary: 'A worker of gateway a is blocked for 500ms at a time.',
  },
  {
    alert: 'IsthmusForwardingSlow',
    input: slowHistogram('isthmus_forward_latency_seconds', '0.01', '0+90x240'),
    quietAt: '8m',
    firesAt: '12m',
    labels: { severity: 'ticket', instance: 'a' },
    summary: 'Requests that gateway a forwards are accepted after more than 100 ms.',
  },
  {
    alert: 'IsthmusRefusing',
    input: [
      goodRequests,
      limitedCalls,
      ...FROM_STRANGERS,
      of('isthmus_refusals_total{instance="a", reason="overloaded"}', '0x19 0+10x200'),
      requests('server="bank", outcome="not_executed", error_type="overloaded"', '0x19 0+10x200'),
    ],
    quietAt: '5m',
    firesAt: '20m',
    labels: { severity: 'ticket', instance: 'a' },
    summary: 'Gateway a refuses 50% of the requests that it should execute.',
  },
  {
    alert: 'IsthmusLimitReached',
    input: [of('isthmus_limits_reached_total{instance="a", limit="few"}', '0x19 0+10x200')],
    quietAt: '15m',
    firesAt: '45m',
    labels: { severity: 'ticket', limit: 'few' },
    summary: 'Limit few has refused 600 calls within 15 minutes.',
  },
];
