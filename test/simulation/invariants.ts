import type { RequestRecord } from './world/run-log.js';
import { tokenOf } from './world/upstream.js';
import { SESSION_GONE } from './world/client-answer.js';
import type { Run } from './run.js';
import type { Fault } from './scenario.js';

/** Conditions that hold at the end of every run, for any faults. Each returns its violations. */
export const INVARIANTS = {
  'executed at most once': ({ runLog }) =>
    runLog
      .all()
      .filter(({ executions }) => executions.length > 1)
      .map(nameOf),

  'only sent requests are executed': ({ runLog }) => runLog.unknownRequests,

  'success only if executed, with the server’s own result': ({ runLog }) =>
    namesWith(runLog.all(), ({ verdict, token }, { name, executions }) => {
      return verdict === 'success' && (executions.length === 0 || token !== tokenOf(name));
    }),

  // Checked at the very end: nothing may run after the answer either.
  'a not_executed request never runs': ({ runLog }) =>
    namesWith(runLog.all(), ({ verdict }, { executions }) => verdict === 'not_executed' && executions.length > 0),

  'one process serves a session': ({ runLog }) => runLog.doublyServed,

  // A relay that fails or loses data cannot keep this, and a session that is handed off may be found again. All other
  // faults must not violate it.
  'a session that was reported lost never executes again': ({ runLog, scenario }) => {
    if (!scenario.faults.every(({ kind }) => FAULTS_SPARING_THE_RELAY.has(kind))) return [];
    const records = runLog.all();
    return records
      .filter(({ session, sentAt, executions }) => {
        const goneAt = Math.min(
          ...records.map((other) => (other.session === session ? reportedGoneAt(other) : Infinity)),
        );
        return sentAt > goneAt && executions.length > 0;
      })
      .map(nameOf);
  },

  'streams are contiguous': ({ runLog, stepsOf }) =>
    runLog.all().flatMap((record) => {
      const { name, steps } = record;
      const isBroken = steps.some((step, place) => step !== place + 1);
      const isShort = record.answers[0]?.verdict === 'success' && steps.length !== stepsOf(name);
      return isBroken || isShort ? [`${name}: ${steps.join(',')}`] : [];
    }),

  'calls of a session start in the order of their arrival': ({ runLog }) =>
    [...runLog.started].flatMap(([gate, begun]) => {
      const arrived = runLog.arrived.get(gate) ?? [];
      const places = begun.map((name) => arrived.indexOf(name));
      return places.some((place, index) => index > 0 && place < (places[index - 1] ?? 0)) ? [begun.join(' ')] : [];
    }),

  'each request has exactly one answer, in time': ({ runLog, deadlineOf, awaitsAnswer }) =>
    runLog.all().flatMap((record) => {
      const [answer, second] = record.answers;
      if (second) return [`${record.name} has two`];
      if (!answer) return awaitsAnswer(record.name) ? [`${record.name} has none`] : [];
      return answer.time > deadlineOf(record.name) ? [`${record.name} at ${Math.round(answer.time)}`] : [];
    }),

  'no resources are left after the run': ({ leftOver }) => leftOver,
} as const satisfies Record<string, (run: Run) => readonly string[]>;

const FAULTS_SPARING_THE_RELAY: ReadonlySet<string> = new Set<Fault['kind']>(['freeze', 'kill', 'twin', 'restart']);

function reportedGoneAt({ answers }: RequestRecord): number {
  return Math.min(...answers.map(({ why, time }) => (why === SESSION_GONE ? time : Infinity)));
}

/** All violated invariants of a run, each with its violations. */
export function violationsOf(run: Run): string[] {
  return Object.entries(INVARIANTS).flatMap(([name, check]) => {
    const broken = check(run);
    return broken.length > 0 ? [`${name}: ${broken.join('; ')}`] : [];
  });
}

type Answer = RequestRecord['answers'][number];

function namesWith(
  records: readonly RequestRecord[],
  isBroken: (answer: Answer, record: RequestRecord) => boolean,
): string[] {
  return records.filter((record) => record.answers.some((answer) => isBroken(answer, record))).map(nameOf);
}

const nameOf = ({ name }: RequestRecord) => name;
