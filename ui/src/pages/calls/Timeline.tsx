import { Panel, ShortId } from '../../components/index.js';
import styles from './calls.module.css';
import { lanesOf, textOfMs, timesOf, workersOf, type CallTimes, type Lane } from './lanes.js';
import type { AuditedCall, AuditRecord } from './record-queries.js';

interface TimelineProps {
  readonly record: AuditRecord;
  readonly call: AuditedCall;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const MS_DIGITS = 3;

function clockOf(ms: number): string {
  const date = new Date(ms);
  return `${CLOCK.format(date)} ${String(date.getMilliseconds()).padStart(MS_DIGITS, '0')} ms`;
}

/** Where a call was, from its arrival to its answer, by the times of its record. */
export function Timeline({ record, call }: TimelineProps) {
  const times = timesOf(call);
  return (
    <Panel title="Timeline">
      {times ? (
        <Lanes record={record} call={call} times={times} />
      ) : (
        <p className={styles['muted']}>
          This record contains no times: it stands for several calls, or an earlier version of the gateway has written
          it.
        </p>
      )}
    </Panel>
  );
}

function Lanes({ record, call, times }: TimelineProps & { readonly times: CallTimes }) {
  const { totalMs } = times;
  const answeredAt = new Date(record.at).getTime();
  const { entry, owner } = workersOf(record, call);
  return (
    <>
      <ol className={styles['lanes']}>
        {lanesOf(record, call, times).map((lane) => (
          <LaneRow key={lane.name} lane={lane} totalMs={totalMs} />
        ))}
      </ol>
      <p className={styles['axis']}>
        <span>arrived {clockOf(answeredAt - totalMs)}</span>
        <span>answered {clockOf(answeredAt)}</span>
      </p>
      <Shares times={times} />
      <p className={styles['note']}>
        {owner !== undefined && entry !== undefined && (
          <>
            The client connected to worker <ShortId id={entry} />, and worker <ShortId id={owner} />, which owns its
            session, ran the call.{' '}
          </>
        )}
        A record says how long each part took. Where a bar begins assumes that the gateway worked as long before as
        after it; a trace has the exact moments.
      </p>
    </>
  );
}

function LaneRow({ lane: { name, id, parts, absence }, totalMs }: { readonly lane: Lane; readonly totalMs: number }) {
  const percent = (ms: number): string => `${(ms / Math.max(totalMs, Number.MIN_VALUE)) * 100}%`;
  const isServer = name === 'Server';
  return (
    <li className={styles['lane']}>
      <span className={styles['name']}>
        {name} {id !== undefined && (isServer ? <span className={styles['id']}>{id}</span> : <ShortId id={id} />)}
      </span>
      <span className={styles['track']} aria-hidden="true">
        {absence === undefined &&
          parts.map(({ from, to, kind }) => (
            <span
              key={`${kind} ${from}`}
              className={`${styles['bar']} ${styles[kind]} ${styles[name.toLowerCase()]}`}
              style={{ left: percent(from), width: percent(to - from) }}
            />
          ))}
      </span>
      <span className={styles['says']}>{absence ?? [...new Set(parts.map(({ text }) => text))].join(', ')}</span>
    </li>
  );
}

function Shares({ times: { totalMs, ownMs, serverMs, clientMs } }: { readonly times: CallTimes }) {
  const shares = [
    ['Gateway', ownMs],
    ['Server', serverMs],
    ['Client', clientMs],
    ['Total', totalMs],
  ] as const;
  return (
    <dl className={styles['shares']}>
      {shares.map(([name, ms]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{textOfMs(ms)}</dd>
        </div>
      ))}
    </dl>
  );
}
