import type { OpenChain, VerificationReport } from './chain/verify-records.js';

/** Describes the result of a verification for a terminal, one finding a line. */
export function describeReport(report: VerificationReport): string {
  const { records, chains, faults, open, begunEarlier, repeated, ignored } = report;
  const lines = [
    ...faults.map(({ message }) => `BROKEN: ${message}`),
    ...open.map(describeOpen),
    ...begunEarlier.map(
      (worker) => `The chain of worker ${worker} begins before these records, which was not checked.`,
    ),
    ...(repeated > 0 ? [`${repeated} records occur more than once, as after a lost connection.`] : []),
    ...(ignored > 0 ? [`${ignored} lines or records belong to no chain and were not checked.`] : []),
    `Checked ${records} records in ${chains} chains: ${faults.length === 0 ? 'nothing is broken' : `${faults.length} broken`}.`,
  ];
  return `${lines.join('\n')}\n`;
}

const STATES: Readonly<Record<OpenChain['state'], string>> = {
  running: 'is open: the worker runs',
  'ended abruptly': 'has no end: the worker ended abruptly. Records that it had not written yet do not exist',
  unknown: 'has no end: the worker runs or ended abruptly, or later records were cut off',
};

const describeOpen = ({ worker, state }: OpenChain): string => `The chain of worker ${worker} ${STATES[state]}.`;
