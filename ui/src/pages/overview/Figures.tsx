import type { ReactNode } from 'react';
import type { LiveFigures } from '../../api/index.js';
import { PageLink } from '../../components/index.js';
import styles from './overview.module.css';

const NUMBER = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const MS_PER_SECOND = 1_000;

/** The state of the gateway in numbers. */
export function Figures({ figures }: { readonly figures: LiveFigures }) {
  const { servers, calls, sessions, parkedCalls, workers, eventLoopDelayMs } = figures;
  const seconds = Math.round(calls.windowMs / MS_PER_SECOND);
  const others = [
    [servers.idle, 'idle'],
    [servers.unknown, 'unknown'],
    [servers.disabled, 'disabled'],
  ] as const;
  return (
    <dl className={styles['figures']}>
      <Figure name="Servers up" path="/servers?state=up" value={servers.up}>
        {others
          .filter(([count]) => count > 0)
          .map(([count, name]) => `${count} ${name}`)
          .join(', ')}
      </Figure>
      <Figure name="Servers down" path="/servers?state=down" value={servers.down} isBad={servers.down > 0} />
      <Figure name="Calls per second" value={NUMBER.format(calls.perSecond)}>
        {calls.calls} in {seconds} s
      </Figure>
      <Figure name="Failed calls" value={calls.failed} isBad={calls.failed > 0}>
        in {seconds} s, and {calls.unknown} with an unknown outcome
      </Figure>
      <Figure name="Refused calls" value={calls.refused}>
        in {seconds} s
      </Figure>
      <Figure name="Sessions" path="/sessions" value={sessions} />
      <Figure name="Parked calls" path="/sessions/parked-calls" value={parkedCalls}>
        wait for an answer of their callers
      </Figure>
      <Figure name="Workers" path="/sessions/workers" value={workers.serving} isBad={workers.silent > 0}>
        {workers.draining} draining, {workers.silent} unresponsive
      </Figure>
      <Figure name="Event loop delay" value={`${NUMBER.format(eventLoopDelayMs)} ms`}>
        of the slowest worker
      </Figure>
    </dl>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: ReactNode;
  /** The page with the details. */
  readonly path?: string;
  readonly isBad?: boolean;
  readonly children?: ReactNode;
}

function Figure({ name, value, path, isBad = false, children }: FigureProps) {
  return (
    <div className={styles['figure']}>
      <dt>{path === undefined ? name : <PageLink to={path}>{name}</PageLink>}</dt>
      <dd className={isBad ? styles['bad'] : styles['value']}>{value}</dd>
      {children !== undefined && <dd className={styles['detail']}>{children}</dd>}
    </div>
  );
}
