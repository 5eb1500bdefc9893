import { Badge, type Tone } from '../../components/index.js';
import styles from './guardrails.module.css';
import { useDecisions, type Decisions } from './guardrail-queries.js';

type Count = Decisions['items'][number];
type Decision = Count['decision'];

export const TONES: Readonly<Record<Decision, Tone>> = {
  passed: 'good',
  changed: 'info',
  refused: 'bad',
  asked: 'info',
  failed: 'warning',
};
const ORDER: readonly Decision[] = ['refused', 'failed', 'asked', 'changed', 'passed'];

const sumOf = (counts: readonly Count[]): number => counts.reduce((sum, { count }) => sum + count, 0);

/** What one guardrail decided, in a line. */
export function DecisionSummary({ slug }: { readonly slug: string }) {
  const own = useDecisions().data?.items.filter(({ guardrail }) => guardrail === slug);
  if (!own) return null;
  if (own.length === 0) return <span className={styles['muted']}>nothing</span>;
  return (
    <span className={styles['counts']}>
      {ORDER.map((decision) => {
        const counts = own.filter((each) => each.decision === decision);
        if (counts.length === 0) return null;
        return (
          <Badge key={decision} tone={TONES[decision]}>
            {decision} {sumOf(counts)}
          </Badge>
        );
      })}
    </span>
  );
}

const PHASES = ['arguments', 'results', 'definitions', 'questions'] as const;

/** What one guardrail decided, by phase and mode. */
export function DecisionTable({ slug }: { readonly slug: string }) {
  const { data } = useDecisions();
  if (!data) return null;
  const own = data.items.filter(({ guardrail }) => guardrail === slug);
  return (
    <>
      {own.length === 0 ? (
        <p className={styles['muted']}>It judged nothing in the last hour.</p>
      ) : (
        <table className={styles['table']}>
          <thead>
            <tr>
              <th scope="col">Phase</th>
              <th scope="col">Mode</th>
              <th scope="col">Decision</th>
              <th scope="col">Values</th>
            </tr>
          </thead>
          <tbody>
            {own.toSorted(byPhase).map(({ phase, mode, decision, count }) => (
              <tr key={`${phase} ${mode} ${decision}`}>
                <td>{phase}</td>
                <td>{mode}</td>
                <td>
                  <Badge tone={TONES[decision]}>{mode === 'observe' ? `observed: ${decision}` : decision}</Badge>
                </td>
                <td>{count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Silence workers={data.silentWorkers} />
    </>
  );
}

function Silence({ workers }: { readonly workers: readonly string[] }) {
  if (workers.length === 0) return null;
  return <p className={styles['muted']}>Without the workers that did not reply: {workers.join(', ')}.</p>;
}

function byPhase(one: Count, other: Count): number {
  const placeOf = ({ phase, decision }: Count) =>
    PHASES.findIndex((each) => each === phase) * ORDER.length + ORDER.indexOf(decision);
  return placeOf(one) - placeOf(other);
}
