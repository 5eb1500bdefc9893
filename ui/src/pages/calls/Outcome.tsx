import { Badge, type Tone } from '../../components/index.js';
import type { AuditRecord } from './record-queries.js';

const TONES: Readonly<Record<AuditRecord['outcome'], Tone>> = { done: 'good', refused: 'warning', failed: 'bad' };

export function Outcome({ record: { outcome, count } }: { readonly record: AuditRecord }) {
  return <Badge tone={TONES[outcome]}>{count === undefined ? outcome : `${outcome} ${count} times`}</Badge>;
}
