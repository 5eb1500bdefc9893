import { startGateways, type RunningGateway } from '../gateways.js';
import { median } from '../median.js';
import { CORES, PinnedProcess } from '../pinned-process.js';
import { HOST, REVISION } from '../workload.js';
import type { Study, StudyBench, StudyReport } from './study.js';

const SERVERS = 200;
const TOOLS_OF_EACH = 50;
const CALLERS = 8;
const MAX_START_MS = 3_000;
const MAX_COLD_MS = 150;
const MAX_WARM_MS = 15;

interface Round {
  readonly startMs: number;
  /** The first list of the process, which includes the discovery of all servers and cold code. */
  readonly firstMs: number;
  /** The first lists of other callers, which request the tools from all servers. */
  readonly coldMs: readonly number[];
  /** Lists that the caller has requested before. */
  readonly warmMs: readonly number[];
  /** All pages, one by one. */
  readonly wholeMs: number;
  readonly tools: number;
}

/** Measures the start with many servers, and the list of all their tools at one endpoint. */
export const studyCatalog: Study = async (bench) => {
  const upstream = new PinnedProcess({
    core: CORES.upstream,
    script: new URL('../catalog-upstream.js', import.meta.url),
  });
  try {
    const port = await upstream.announcedPort();
    const rounds: Round[] = [];
    for (let round = 0; round < (bench.isQuick ? 3 : 7); round += 1) rounds.push(await measure(bench, port));
    return reportOf(rounds);
  } finally {
    await upstream.stop();
  }
};

async function measure({ nodeArgs }: StudyBench, upstreamPort: number): Promise<Round> {
  const names = Array.from({ length: SERVERS }, (_, index) => `s${index}`);
  const servers = names.map((name) => [
    name,
    { transport: 'http', url: `http://${HOST}:${upstreamPort}/${name}/${TOOLS_OF_EACH}/mcp` },
  ]);
  const configuration = { servers: Object.fromEntries(servers) as Record<string, object> };
  const gateways = await startGateways({ upstreamPort, configuration, cores: [CORES.subject], nodeArgs });
  try {
    const [gateway] = gateways.all as [RunningGateway];
    const first = await list(gateway);
    const whole = await listWhole(gateway);
    const coldMs: number[] = [];
    const warmMs: number[] = [];
    for (let caller = 0; caller < CALLERS; caller += 1) {
      const authorization = await gateways.authorize(`caller ${caller}`);
      coldMs.push((await list(gateway, { authorization })).ms);
      for (let time = 0; time < 5; time += 1) warmMs.push((await list(gateway, { authorization })).ms);
    }
    return { startMs: gateway.startMs, firstMs: first.ms, coldMs, warmMs, ...whole };
  } finally {
    await gateways.stop();
  }
}

interface Listed {
  readonly ms: number;
  readonly count: number;
  readonly nextCursor?: string;
}

async function listWhole(gateway: RunningGateway): Promise<{ wholeMs: number; tools: number }> {
  let page = await list(gateway);
  let [wholeMs, tools] = [page.ms, page.count];
  while (page.nextCursor !== undefined) {
    page = await list(gateway, { cursor: page.nextCursor });
    wholeMs += page.ms;
    tools += page.count;
  }
  return { wholeMs, tools };
}

/** Requests one page of the list of all servers and measures the time until its last byte, without parsing. */
async function list(gateway: RunningGateway, how: { cursor?: string; authorization?: string } = {}): Promise<Listed> {
  const { port, authorization } = gateway.target('modern', how.authorization);
  const { cursor } = how;
  const meta = {
    'io.modelcontextprotocol/protocolVersion': REVISION.modern,
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { ...(cursor !== undefined && { cursor }), _meta: meta };
  const begun = performance.now();
  const response = await fetch(`http://${HOST}:${port}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': REVISION.modern,
      'mcp-method': 'tools/list',
      ...(authorization !== undefined && { authorization }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params }),
  });
  const body = await response.text();
  const ms = performance.now() - begun;
  const { result } = JSON.parse(body) as { result?: { tools: unknown[]; nextCursor?: string; _meta?: unknown } };
  if (!result || result._meta !== undefined) throw new Error(`Not all servers were listed: ${body.slice(0, 500)}`);
  const { tools, nextCursor } = result;
  return { ms, count: tools.length, ...(nextCursor !== undefined && { nextCursor }) };
}

function reportOf(rounds: readonly Round[]): Omit<StudyReport, 'name'> {
  const startMs = median(rounds.map((round) => round.startMs));
  const firstMs = median(rounds.map((round) => round.firstMs));
  const coldMs = median(rounds.flatMap((round) => round.coldMs));
  const warmMs = median(rounds.flatMap((round) => round.warmMs));
  const wholeMs = median(rounds.map((round) => round.wholeMs));
  const tools = Math.min(...rounds.map((round) => round.tools));
  const all = `${SERVERS * TOOLS_OF_EACH} tools of ${SERVERS} servers`;
  const atMost = (what: string, limit: number, ms: number) => ({
    what: `${all}: ${what}`,
    wanted: `at most ${limit} ms`,
    measured: `${ms.toFixed(1)} ms`,
    kept: ms <= limit,
  });
  return {
    lines: [
      `catalog: ${all}, all modern, at one endpoint; ${rounds.length} starts`,
      `  the first list of the process: ${firstMs.toFixed(1)} ms`,
      `  all pages of the list, one after the other, warm: ${wholeMs.toFixed(1)} ms, ${tools} tools`,
    ],
    verdicts: [
      atMost('start', MAX_START_MS, startMs),
      atMost('first list of a caller', MAX_COLD_MS, coldMs),
      atMost('repeated list of a caller', MAX_WARM_MS, warmMs),
      { what: `${all}: listed`, wanted: 'all', measured: String(tools), kept: tools === SERVERS * TOOLS_OF_EACH },
    ],
    figures: { rounds },
  };
}
