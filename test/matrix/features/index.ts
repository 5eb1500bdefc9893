import type { FeatureGroup } from '../feature.js';
import { CHANGES } from './changes.js';
import { CUT_STREAMS } from './cut-streams.js';
import { ERRORS } from './errors.js';
import { PAGINATION, PROMPTS, RESOURCES } from './items.js';
import { EXTENSIONS } from './extensions.js';
import { HANDSHAKE } from './handshake.js';
import { QUESTIONS } from './questions.js';
import { RUNNING } from './running.js';
import { TOOLS } from './tools.js';

/** Rows of the table, in parts whose tests take about the same time. */
export const ITEMS: readonly FeatureGroup[] = [HANDSHAKE, TOOLS, RESOURCES, PROMPTS, PAGINATION, ERRORS];
export const CONVERSATIONS: readonly FeatureGroup[] = [QUESTIONS];
export const EVENTS: readonly FeatureGroup[] = [RUNNING, CHANGES, CUT_STREAMS];

/** Rows of a gateway with an extension. */
export const EXTENDED: readonly FeatureGroup[] = [EXTENSIONS];

/** All rows of the table. */
export const FEATURES: readonly FeatureGroup[] = [...ITEMS, ...CONVERSATIONS, ...EVENTS, ...EXTENDED];
