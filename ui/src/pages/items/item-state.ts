import type { Tone } from '../../components/index.js';
import type { Item } from './item-queries.js';

export type State = 'off' | Item['status'];

/** What decides first whether clients can use an item. */
export const stateOf = ({ isDisabled, status }: Pick<Item, 'isDisabled' | 'status'>): State =>
  isDisabled ? 'off' : status;

export const TONES: Readonly<Record<State, Tone>> = {
  approved: 'good',
  changed: 'warning',
  quarantined: 'bad',
  off: 'neutral',
};

/** The filters of the list by what the API calls them. */
export const FILTERS = {
  '': 'All states',
  approved: 'Approved',
  changed: 'Changed',
  quarantined: 'Quarantined',
  disabled: 'Switched off',
  flagged: 'Flagged',
} as const;
