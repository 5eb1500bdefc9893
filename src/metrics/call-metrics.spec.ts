import { describe, expect, it } from '@jest/globals';
import { recordOf } from '../telemetry/testing.js';
import { CallMetrics } from './call-metrics.js';
import { PrometheusMeters, renderMetrics } from './prometheus-meters.js';

const REFUSED = { outcome: 'not_executed', isGatewayError: true } as const;

function world() {
  const meters = new PrometheusMeters();
  const sink = new CallMetrics(meters);
  const text = async () => renderMetrics(await meters.snapshot());
  const series = async (name: string) => (await text()).split('\n').filter((line) => line.startsWith(`${name}{`));
  return { meters, sink, text, series };
}

describe('the metrics of calls', () => {
  it('count each call once, with its server, eras, outcome and error', async () => {
    const { sink, series } = world();
    sink.record(recordOf());
    sink.record(recordOf());
    sink.record(recordOf({ isToolError: true }));
    const shared = 'transport="mcp",client_era="modern",server_era="legacy",server="bank",outcome="executed"';
    expect(await series('isthmus_requests_total')).toEqual([
      `isthmus_requests_total{${shared},error_type=""} 2`,
      `isthmus_requests_total{${shared},error_type="tool_error"} 1`,
    ]);
    expect(await series('isthmus_tool_calls_total')).toEqual([
      'isthmus_tool_calls_total{server="bank",tool="pay",outcome="executed",error_type=""} 2',
      'isthmus_tool_calls_total{server="bank",tool="pay",outcome="executed",error_type="tool_error"} 1',
    ]);
    expect(await series('isthmus_bytes_total')).toEqual([
      'isthmus_bytes_total{direction="in"} 300',
      'isthmus_bytes_total{direction="out"} 600',
    ]);
  });

  it('measure the whole time, the server’s time and the gateway’s own, in seconds', async () => {
    const { sink, text } = world();
    sink.record(recordOf({ totalMs: 150, ownMs: 50, serverMs: 100 }));
    const all = await text();
    expect(all).toContain('mcp_server_operation_duration_seconds_sum{mcp_method_name="tools/call",error_type=""} 0.15');
    expect(all).toContain(
      'mcp_client_operation_duration_seconds_sum{mcp_method_name="tools/call",error_type="",server="bank"} 0.1',
    );
    expect(all).toContain('isthmus_own_duration_seconds_sum{forwarded="false"} 0.05');
    expect(all).toContain('le="0.1",mcp_method_name="tools/call",error_type=""} 0');
  });

  it('do not measure how long a subscription lasts', async () => {
    const { sink, series } = world();
    sink.record(recordOf({ method: 'subscriptions/listen', totalMs: 3_600_000 }));
    expect(await series('mcp_server_operation_duration_seconds_count')).toEqual([]);
    expect(await series('isthmus_requests_total')).toHaveLength(1);
  });

  it('count refusals by their reason, and calls that another worker ran', async () => {
    const { sink, series } = world();
    sink.record(recordOf({ ...REFUSED, code: -31009, errorStatus: 403, httpStatus: 403 }));
    sink.record(recordOf({ ...REFUSED, code: -31003, errorStatus: 503, httpStatus: 503 }));
    sink.record(recordOf({ forwardedTo: 'other' }));
    expect(await series('isthmus_refusals_total')).toEqual([
      'isthmus_refusals_total{reason="denied_by_policy",server="bank",http_status="403"} 1',
      'isthmus_refusals_total{reason="overloaded",server="bank",http_status="503"} 1',
    ]);
    expect(await series('isthmus_forwarded_requests_total')).toEqual([
      'isthmus_forwarded_requests_total{outcome="executed"} 1',
    ]);
  });

  it('distinguish what a caller sent too much from a lack of capacity, also in a response with status 200', async () => {
    const { sink, series } = world();
    sink.record(recordOf({ ...REFUSED, code: -31003, errorStatus: 429, httpStatus: 200 }));
    sink.record(recordOf({ ...REFUSED, code: -31003, errorStatus: 503, httpStatus: 200 }));
    expect(await series('isthmus_refusals_total')).toEqual([
      'isthmus_refusals_total{reason="too_many_requests",server="bank",http_status="200"} 1',
      'isthmus_refusals_total{reason="overloaded",server="bank",http_status="200"} 1',
    ]);
  });

  it('keep like calls apart that differ in one label', async () => {
    const { sink, series } = world();
    const variants = [
      {},
      { transport: 'rpc' },
      { clientEra: 'legacy' },
      { serverEra: 'modern' },
      { server: 'shop' },
    ] as const;
    for (const variant of [...variants, ...variants]) sink.record(recordOf(variant));
    sink.record(recordOf({ outcome: 'unknown', isGatewayError: true, code: -31002 }));
    const counts = (await series('isthmus_requests_total')).map((line) => line.split(' ').at(-1));
    expect(counts).toEqual(['2', '2', '2', '2', '2', '1']);
  });

  it('name the tool of a refused call once its server was called with it', async () => {
    const { sink, series } = world();
    const refused = { outcome: 'not_executed', isGatewayError: true, code: -31003, serverEra: undefined } as const;
    sink.record(recordOf(refused));
    sink.record(recordOf());
    sink.record(recordOf(refused));
    expect(await series('isthmus_tool_calls_total')).toEqual([
      'isthmus_tool_calls_total{server="bank",tool="other",outcome="not_executed",error_type="overloaded"} 1',
      'isthmus_tool_calls_total{server="bank",tool="pay",outcome="executed",error_type=""} 1',
      'isthmus_tool_calls_total{server="bank",tool="pay",outcome="not_executed",error_type="overloaded"} 1',
    ]);
  });

  it('have a bounded number of series, whatever clients and servers choose', async () => {
    const { sink, text } = world();
    for (let n = 0; n < 10_000; n += 1) {
      sink.record(recordOf({ method: `x/${n}`, item: `tool-${n}` }));
      sink.record(recordOf({ code: -n }));
      sink.record(recordOf({ item: `tool-${n}` }));
      sink.record(recordOf({ server: `server-${n}`, item: `tool-${n}` }));
      sink.record(recordOf({ item: `missing-${n}`, serverEra: undefined, server: undefined }));
    }
    const all = await text();
    expect(all).not.toMatch(/x\/|missing-/);
    expect(all).toContain('isthmus_tool_calls_total{server="bank",tool="other",outcome="executed",error_type=""}');
    // At most 1,000 tools, each with the servers and error types that it was called with.
    expect(all.match(/^isthmus_tool_calls_total\{/gm)?.length).toBeLessThan(2_100);
    expect(all).not.toContain('server-1001"');
    expect(all).toContain('server="other"');
  });
});
