import type { FeatureGroup } from '../feature.js';
import { CHANGES } from './changes.js';
import { CUT_STREAMS } from './cut-streams.js';
import { ERRORS } from './errors.js';
import { LISTS_AND_PAGES, PROMPTS, RESOURCES } from './items.js';
import { MEETING } from './meeting.js';
import { QUESTIONS } from './questions.js';
import { RUNNING } from './running.js';
import { TOOLS } from './tools.js';

/** Rows of the table, in parts that take about the same time to try. */
export const ITEMS: readonly FeatureGroup[] = [MEETING, TOOLS, RESOURCES, PROMPTS, LISTS_AND_PAGES, ERRORS];
export const CONVERSATIONS: readonly FeatureGroup[] = [QUESTIONS];
export const EVENTS: readonly FeatureGroup[] = [RUNNING, CHANGES, CUT_STREAMS];

/** All rows of the table. */
export const FEATURES: readonly FeatureGroup[] = [...ITEMS, ...CONVERSATIONS, ...EVENTS];
