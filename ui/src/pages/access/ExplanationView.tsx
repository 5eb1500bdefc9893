import { Badge, PageLink, Panel, type Tone } from '../../components/index.js';
import styles from './access.module.css';
import type { Explanation } from './explain-queries.js';

const GATES: Readonly<Record<Explanation['gates'][number]['gate'], string>> = {
  server: 'Server',
  token: 'Token',
  endpoint: 'Endpoint',
  policy: 'Policies',
  filter: 'List filter',
  item: 'Item',
  trust: 'Definition',
};

/** The verdict about a call, every gate in its order, every rule that matches, and the guardrails behind them. */
export function ExplanationView({ explanation }: { readonly explanation: Explanation }) {
  const { allowed, reason, gates, rules, guardrails } = explanation;
  return (
    <output className={styles['stack']}>
      <Panel title={allowed ? 'The call is admitted' : 'The call is refused'}>
        <p className={styles['verdict']}>
          <Badge tone={allowed ? 'good' : 'bad'}>{allowed ? 'allowed' : 'refused'}</Badge> {reason}
        </p>
      </Panel>
      <Panel title="Gates, in their order">
        <ol className={styles['steps']}>
          {gates.map((gate) => (
            <li key={gate.gate} className={styles['step']}>
              <Badge tone={gate.allowed ? 'good' : 'bad'}>{gate.allowed ? 'passes' : 'refuses'}</Badge>
              <span>
                <strong>{GATES[gate.gate]}</strong> {gate.reason}
                {gate.code !== undefined && <span className={styles['muted']}> Error {gate.code}.</span>}
              </span>
            </li>
          ))}
        </ol>
      </Panel>
      <Panel title="Policies that match the item">
        {rules.length === 0 ? (
          <p className={styles['muted']}>None: the team of the server decides.</p>
        ) : (
          <Rules rules={rules} />
        )}
      </Panel>
      {guardrails.length > 0 && (
        <Panel title="Guardrails that judge the call">
          <Guardrails guardrails={guardrails} />
        </Panel>
      )}
    </output>
  );
}

type Rule = Explanation['rules'][number];

function toneOf({ effect, counts }: Rule): Tone {
  if (counts === false) return 'neutral';
  if (counts === 'maybe') return 'info';
  return effect === 'allow' ? 'good' : 'bad';
}

function verbOf({ effect, counts }: Rule): string {
  if (counts === false) return 'no effect';
  const verb = effect === 'allow' ? 'allows' : 'denies';
  return counts === 'maybe' ? `maybe ${verb}` : verb;
}

function Rules({ rules }: { readonly rules: readonly Rule[] }) {
  return (
    <ul className={styles['steps']}>
      {rules.map((rule) => (
        <li key={rule.policy} className={styles['step']}>
          <Badge tone={toneOf(rule)}>{verbOf(rule)}</Badge>
          <span>
            <PageLink to={`/access/policies/${rule.policy}`}>{rule.policy}</PageLink>: {rule.why}
          </span>
        </li>
      ))}
    </ul>
  );
}

type ExplainedGuardrail = Explanation['guardrails'][number];

function guardrailToneOf({ decision, mode, fault }: ExplainedGuardrail): Tone {
  if (fault !== undefined) return 'bad';
  if (decision === undefined) return 'neutral';
  if (decision === 'passed') return 'good';
  return mode === 'observe' || decision === 'changed' ? 'info' : 'bad';
}

function Guardrails({ guardrails }: { readonly guardrails: readonly ExplainedGuardrail[] }) {
  return (
    <ol className={styles['steps']}>
      {guardrails.map((each) => (
        <li key={each.guardrail} className={styles['step']}>
          <Badge tone={guardrailToneOf(each)}>{each.decision ?? 'selected'}</Badge>
          <span>
            <PageLink to={`/guardrails/${each.guardrail}`}>{each.guardrail}</PageLink>: {each.check}, {each.mode},{' '}
            {each.phases.join(', ')}. {each.fault ?? each.reason}
          </span>
        </li>
      ))}
    </ol>
  );
}
