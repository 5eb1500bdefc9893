import type { RequestRecord } from './world/run-log.js';
import { tokenOf } from './world/upstream.js';
import { SESSION_GONE } from './world/client-answer.js';
import type { Run } from './run.js';
import type { Fault } from './scenario.js';

/** What must hold at the end of every run, whatever befell it. Each says what broke it, or nothing. */
export const INVARIANTS = {
  'executed at most once': ({ runLog }) =>
    runLog
      .all()
      .filter(({ executions }) => executions.length > 1)
      .map(nameOf),

  'nothing runs that nobody asked for': ({ runLog }) => runLog.unknownRequests,

  'success only if executed, with the server’s own result': ({ runLog }) =>
    namesWith(runLog.all(), ({ verdict, token }, { name, executions }) => {
      return verdict === 'success' && (executions.length === 0 || token !== tokenOf(name));
    }),

  // Judged at the very end: nothing may run afterwards either.
  'not_executed is never a lie': ({ runLog }) =>
    namesWith(runLog.all(), ({ verdict }, { executions }) => verdict === 'not_executed' && executions.length > 0),

  'one gate per session': ({ runLog }) => runLog.doublyServed,

  // A relay that fails or forgets can tell nobody, and a session on its way elsewhere may be found again; nothing else
  // makes it untrue.
  'a session that was said to be gone never works again': ({ runLog, scenario }) => {
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
    runLog.all().flatMap((story) => {
      const { name, steps } = story;
      const isBroken = steps.some((step, place) => step !== place + 1);
      const isShort = story.answers[0]?.verdict === 'success' && steps.length !== stepsOf(name);
      return isBroken || isShort ? [`${name}: ${steps.join(',')}`] : [];
    }),

  'calls of a session begin in the order of their arrival': ({ runLog }) =>
    [...runLog.started].flatMap(([gate, begun]) => {
      const arrived = runLog.arrived.get(gate) ?? [];
      const places = begun.map((name) => arrived.indexOf(name));
      return places.some((place, index) => index > 0 && place < (places[index - 1] ?? 0)) ? [begun.join(' ')] : [];
    }),

  'exactly one answer, in time': ({ runLog, deadlineOf, awaitsAnswer }) =>
    runLog.all().flatMap((story) => {
      const [answer, second] = story.answers;
      if (second) return [`${story.name} has two`];
      if (!answer) return awaitsAnswer(story.name) ? [`${story.name} has none`] : [];
      return answer.time > deadlineOf(story.name) ? [`${story.name} at ${Math.round(answer.time)}`] : [];
    }),

  'nothing is left over at rest': ({ leftOver }) => leftOver,
} as const satisfies Record<string, (run: Run) => readonly string[]>;

const FAULTS_SPARING_THE_RELAY: ReadonlySet<string> = new Set<Fault['kind']>(['freeze', 'kill', 'twin', 'restart']);

function reportedGoneAt({ answers }: RequestRecord): number {
  return Math.min(...answers.map(({ why, time }) => (why === SESSION_GONE ? time : Infinity)));
}

/** Every invariant that a run broke, by name and with what broke it. */
export function violationsOf(run: Run): string[] {
  return Object.entries(INVARIANTS).flatMap(([name, look]) => {
    const broken = look(run);
    return broken.length > 0 ? [`${name}: ${broken.join('; ')}`] : [];
  });
}

type Answer = RequestRecord['answers'][number];

function namesWith(
  records: readonly RequestRecord[],
  isBroken: (answer: Answer, story: RequestRecord) => boolean,
): string[] {
  return records.filter((story) => story.answers.some((answer) => isBroken(answer, story))).map(nameOf);
}

const nameOf = ({ name }: RequestRecord) => name;
