import { expectationOf, type Behaviour, type Carrier } from '#lib/testing/hostile-server';

type Act = Behaviour['act'];

const MAX_EXCERPT_LENGTH = 40;

const CONNECTION_FAULTS = {
  reset: 'resets the connection',
  garbage: 'answers bytes that are not HTTP',
  short: 'closes the connection before the end of its answer',
  big: 'answers more bytes than allowed',
  endless: 'never ends its answer',
  silence: 'never answers',
} as const satisfies Record<Extract<Act, { kind: 'connection' }>['fault'], string>;

/** The title of a test: how a call ends when the server behaves like this. The name of the behaviour selects the test. */
export function toCallTitle(behaviour: Behaviour, carrier: Carrier): string {
  const expected = expectationOf(behaviour, carrier);
  const ending = expected.kind === 'result' ? 'returns a result' : `fails with ${expected.code}${toOutcome(expected)}`;
  return `a call ${ending} when the server ${toMisbehaviour(behaviour)}`;
}

/** What the server does: a predicate whose subject is the server, and the name of the behaviour. */
export function toMisbehaviour({ act, name }: Behaviour): string {
  return `${toPredicate(act)} (${name})`;
}

function toOutcome({ data }: { readonly data?: Readonly<Record<string, unknown>> }): string {
  if (typeof data?.['outcome'] !== 'string') return '';
  return data['outcome'] === 'unknown' ? ' and an unknown outcome' : ' as not executed';
}

function toPredicate(act: Act): string {
  if (act.kind === 'http') return `answers HTTP ${act.status} with ${excerpt(act.body(1))}`;
  if (act.kind === 'message') return `answers ${excerpt(act.frame(1))}`;
  if (act.kind === 'redirect') return `redirects the call with HTTP ${act.status} (${act.to})`;
  if (act.kind === 'connection') return CONNECTION_FAULTS[act.fault];
  if (act.kind === 'forget') return 'loses its sessions';
  const steps = act.steps.map((step) => {
    if (typeof step === 'string') return step;
    return 'ask' in step ? `the question ${step.ask}` : excerpt(step.event(1));
  });
  return `sends a stream of ${steps.join(', ')}${act.resumed ? ', which can be resumed' : ''}`;
}

function excerpt(frame: string | Uint8Array): string {
  if (typeof frame !== 'string') return 'bytes that are not UTF-8';
  if (frame === '') return 'nothing';
  return frame.length > MAX_EXCERPT_LENGTH ? `${frame.slice(0, MAX_EXCERPT_LENGTH)}…` : frame;
}
