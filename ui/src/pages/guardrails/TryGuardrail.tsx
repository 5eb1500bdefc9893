import { useState } from 'react';
import {
  Badge,
  Button,
  Definitions,
  DiffView,
  LongTextField,
  Problem,
  SelectField,
  type EntryDraft,
} from '../../components/index.js';
import { parseObject } from '../../values/index.js';
import { TONES } from './Decisions.js';
import { useTrial, type Phase, type Trial } from './guardrail-queries.js';
import styles from './guardrails.module.css';

const FORMS = { text: 'A text', json: 'JSON' } as const;

/** How a text occurs in a value of each phase. */
const toValue: Readonly<Record<Phase, (text: string) => object>> = {
  arguments: (text) => ({ text }),
  results: (text) => ({ content: [{ type: 'text', text }] }),
  definitions: (text) => ({ name: 'trial', description: text, inputSchema: { type: 'object' } }),
  questions: (text) => ({ message: text }),
};

interface TryGuardrailProps {
  /** Name of a stored guardrail, or a draft. */
  readonly tried: string | EntryDraft;
  readonly phases: readonly Phase[];
}

/** Runs the check of a guardrail on a text, whatever its mode is. Nothing is recorded and nobody is asked. */
export function TryGuardrail({ tried, phases }: TryGuardrailProps) {
  const [wanted, setPhase] = useState(phases[0] ?? 'arguments');
  // The phases of a draft change with its check.
  const phase = phases.includes(wanted) ? wanted : (phases[0] ?? 'arguments');
  const [form, setForm] = useState<keyof typeof FORMS>('text');
  const [text, setText] = useState('');
  const [fault, setFault] = useState<Error>();
  const trial = useTrial(tried);
  const changeForm = (next: string) => {
    if (next === 'json') setText(JSON.stringify(toValue[phase](text), undefined, 2));
    setForm(next === 'json' ? 'json' : 'text');
  };
  const run = () => {
    const value = form === 'text' ? toValue[phase](text) : parseObject(text);
    setFault(value ? undefined : new Error('Write a JSON object.'));
    if (value) trial.mutate({ phase, value });
  };
  const cause = fault ?? trial.error;
  return (
    <div className={styles['stack']}>
      <div className={styles['fields']}>
        <SelectField
          label="Phase"
          options={Object.fromEntries(phases.map((each) => [each, each]))}
          value={phase}
          onChange={(next) => setPhase(next as Phase)}
        />
        <SelectField label="Written as" options={FORMS} value={form} onChange={changeForm} />
      </div>
      <LongTextField
        label="Value"
        hint="Nothing is recorded, and nobody is asked. The check webhook sends the value to its URL."
        value={text}
        onChange={setText}
      />
      {cause && <Problem cause={cause} />}
      <div className={styles['actions']}>
        <Button disabled={trial.isPending} onClick={run}>
          Try
        </Button>
      </div>
      {trial.data && !cause && <Outcome trial={trial.data} before={trial.variables.value} />}
    </div>
  );
}

function Outcome({ trial, before }: { readonly trial: Trial; readonly before: object }) {
  const { decision, reason, findings, value } = trial;
  const found = findings.map(({ kind, count }) => `${kind} (${count})`).join(', ');
  return (
    <output className={styles['outcome']}>
      <Definitions
        items={{
          Decision: <Badge tone={TONES[decision]}>{decision}</Badge>,
          Reason: reason,
          Findings: found || undefined,
        }}
      />
      {decision === 'changed' && <DiffView before={before} after={value} titles={['Value', 'As it goes on']} />}
    </output>
  );
}
