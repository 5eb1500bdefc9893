import { ANSWER_BEHAVIOURS } from './answer-behaviours.js';
import type { Behaviour, Carrier } from './behaviour.js';
import { CONNECTION_BEHAVIOURS } from './connection-behaviours.js';
import { HTTP_BEHAVIOURS } from './http-behaviours.js';
import { STREAM_BEHAVIOURS } from './stream-behaviours.js';

/** All behaviours, each with the answer that a client must receive (docs/errors.md). */
export const BEHAVIOURS: readonly Behaviour[] = [
  ...HTTP_BEHAVIOURS,
  ...ANSWER_BEHAVIOURS,
  ...STREAM_BEHAVIOURS,
  ...CONNECTION_BEHAVIOURS,
];

const BY_NAME: ReadonlyMap<string, Behaviour> = new Map(BEHAVIOURS.map((behaviour) => [behaviour.name, behaviour]));

export const behaviourNamed = (name: string): Behaviour | undefined => BY_NAME.get(name);

export const behavioursOf = (carrier: Carrier): readonly Behaviour[] =>
  BEHAVIOURS.filter((behaviour) => behaviour.carriers.includes(carrier));
