import type { Story } from './world/chronicle.js';
import { tokenOf } from './world/upstream.js';
import { SESSION_GONE } from './world/told.js';
import type { Run } from './run.js';
import type { Fault } from './scenario.js';

/** What must hold at the end of every run, whatever befell it. Each says what broke it, or nothing. */
export const INVARIANTS = {
  'executed at most once': ({ chronicle }) =>
    chronicle
      .all()
      .filter(({ executions }) => executions.length > 1)
      .map(nameOf),

  'nothing runs that nobody asked for': ({ chronicle }) => chronicle.unheardOf,

  'success only if executed, with the server’s own result': ({ chronicle }) =>
    told(chronicle.all(), ({ verdict, token }, { name, executions }) => {
      return verdict === 'success' && (executions.length === 0 || token !== tokenOf(name));
    }),

  // Judged at the very end: nothing may run afterwards either.
  'not_executed is never a lie': ({ chronicle }) =>
    told(chronicle.all(), ({ verdict }, { executions }) => verdict === 'not_executed' && executions.length > 0),

  'one gate per session': ({ chronicle }) => chronicle.forked,

  // A relay that fails or forgets can tell nobody, and a session on its way elsewhere may be found again; nothing else
  // makes it untrue.
  'a session that was said to be gone never works again': ({ chronicle, scenario }) => {
    if (!scenario.faults.every(({ kind }) => LEAVE_THE_RELAY_ALONE.has(kind))) return [];
    const stories = chronicle.all();
    return stories
      .filter(({ session, sentAt, executions }) => {
        const goneAt = Math.min(...stories.map((other) => (other.session === session ? toldGoneAt(other) : Infinity)));
        return sentAt > goneAt && executions.length > 0;
      })
      .map(nameOf);
  },

  'streams are contiguous': ({ chronicle, stepsOf }) =>
    chronicle.all().flatMap((story) => {
      const { name, steps } = story;
      const isBroken = steps.some((step, place) => step !== place + 1);
      const isShort = story.answers[0]?.verdict === 'success' && steps.length !== stepsOf(name);
      return isBroken || isShort ? [`${name}: ${steps.join(',')}`] : [];
    }),

  'calls of a session begin in the order of their arrival': ({ chronicle }) =>
    [...chronicle.begun].flatMap(([gate, begun]) => {
      const arrived = chronicle.arrived.get(gate) ?? [];
      const places = begun.map((name) => arrived.indexOf(name));
      return places.some((place, index) => index > 0 && place < (places[index - 1] ?? 0)) ? [begun.join(' ')] : [];
    }),

  'exactly one answer, in time': ({ chronicle, latestOf, isOwed }) =>
    chronicle.all().flatMap((story) => {
      const [answer, second] = story.answers;
      if (second) return [`${story.name} has two`];
      if (!answer) return isOwed(story.name) ? [`${story.name} has none`] : [];
      return answer.time > latestOf(story.name) ? [`${story.name} at ${Math.round(answer.time)}`] : [];
    }),

  'nothing is left over at rest': ({ leftOver }) => leftOver,
} as const satisfies Record<string, (run: Run) => readonly string[]>;

const LEAVE_THE_RELAY_ALONE: ReadonlySet<string> = new Set<Fault['kind']>(['freeze', 'kill', 'twin', 'restart']);

function toldGoneAt({ answers }: Story): number {
  return Math.min(...answers.map(({ why, time }) => (why === SESSION_GONE ? time : Infinity)));
}

/** Every invariant that a run broke, by name and with what broke it. */
export function violationsOf(run: Run): string[] {
  return Object.entries(INVARIANTS).flatMap(([name, look]) => {
    const broken = look(run);
    return broken.length > 0 ? [`${name}: ${broken.join('; ')}`] : [];
  });
}

type Answer = Story['answers'][number];

function told(stories: readonly Story[], isBroken: (answer: Answer, story: Story) => boolean): string[] {
  return stories.filter((story) => story.answers.some((answer) => isBroken(answer, story))).map(nameOf);
}

const nameOf = ({ name }: Story) => name;
