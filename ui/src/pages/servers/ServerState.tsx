import { Badge, type Tone } from '../../components/index.js';
import type { State } from './server-state.js';

const TONES: Readonly<Record<State, Tone>> = {
  up: 'good',
  down: 'bad',
  idle: 'neutral',
  unknown: 'neutral',
  disabled: 'neutral',
  invalid: 'warning',
};

export function ServerState({ state }: { readonly state: State }) {
  return <Badge tone={TONES[state]}>{state}</Badge>;
}
