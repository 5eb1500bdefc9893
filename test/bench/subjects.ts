import { startGateways } from './gateways.js';
import { CORES, PinnedProcess } from './pinned-process.js';
import { HOST, UPSTREAM_PATH, type Era, type Target } from './workload.js';

/** The load generator. */
export const LOAD_SCRIPT = new URL('./load.js', import.meta.url);

const UPSTREAM = new URL('./upstream.js', import.meta.url);
const BARE_PROXY = new URL('./bare-proxy.js', import.meta.url);

export const SUBJECT_NAMES = ['direct', 'bare proxy', 'gateway'] as const;
export type SubjectName = (typeof SUBJECT_NAMES)[number];

/** A measured process, which answers the same call on its own core. */
export interface Subject {
  readonly name: SubjectName;
  readonly process: PinnedProcess;
  target(era: Era): Target;
  stop(): Promise<void>;
}

export interface Upstream {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts the upstream server of the subjects. */
export async function startUpstream(core: number = CORES.upstream): Promise<Upstream & { process: PinnedProcess }> {
  const process = new PinnedProcess({ core, script: UPSTREAM });
  return { process, port: await process.announcedPort(), stop: () => process.stop() };
}

export function startSubject(name: SubjectName, upstream: Upstream): Promise<Subject> {
  switch (name) {
    case 'direct':
      return startDirect();
    case 'bare proxy':
      return startBareProxy(upstream);
    case 'gateway':
      return startGateway(upstream);
  }
}

/** The server itself as the subject: the maximum that the load generator can drive. */
async function startDirect(): Promise<Subject> {
  const { process, port, stop } = await startUpstream(CORES.subject);
  return { name: 'direct', process, target: (era) => ({ host: HOST, port, path: UPSTREAM_PATH[era] }), stop };
}

async function startBareProxy(upstream: Upstream): Promise<Subject> {
  const origin = `http://${HOST}:${upstream.port}`;
  const process = new PinnedProcess({ core: CORES.subject, script: BARE_PROXY, args: [origin] });
  const port = await process.announcedPort();
  return {
    name: 'bare proxy',
    process,
    target: (era) => ({ host: HOST, port, path: UPSTREAM_PATH[era] }),
    stop: () => process.stop(),
  };
}

async function startGateway(upstream: Upstream): Promise<Subject> {
  const { all, stop } = await startGateways({ upstreamPort: upstream.port, cores: [CORES.subject] });
  const [gateway] = all;
  if (gateway === undefined) throw new Error('No gateway was started.');
  return { name: 'gateway', process: gateway.process, target: (era) => gateway.target(era), stop };
}
