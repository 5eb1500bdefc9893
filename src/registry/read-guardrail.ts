import { parseDuration } from '#lib/config';
import { GUARDRAIL_PHASES, type GuardrailCheckOptions, type GuardrailPhase } from '#lib/extension-kit';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { GuardrailEntry } from './entries.js';
import { GUARDRAIL_MODES, type GuardrailDefinition } from './guardrail-definition.js';
import type { KnownChecks } from './known-checks.js';
import { readByExtension, readEntry, withoutUndefined } from './read-entry.js';
import type { Fault } from './registry.errors.js';

const DEFAULT_DEADLINE_MS = 5_000;

/**
 * Reads one entry of `guardrails`. Undefined when it is invalid.
 *
 * @param checks absent: neither the name of the check nor its options are validated
 */
export function readGuardrail(
  slug: string,
  value: JsonValue,
  faults: Fault[],
  checks?: KnownChecks,
): GuardrailDefinition | undefined {
  const path = `guardrails.${slug}`;
  const entry = readEntry(GuardrailEntry, value, path, faults);
  if (entry === undefined) return undefined;
  const {
    check: name,
    mode = 'enforce',
    order = 0,
    servers,
    tools,
    teams,
    onFailure = 'refuse',
    deadline = '',
  } = entry;
  const check = checks?.find(name);
  if (checks && !check) {
    const fault = { path: `${path}.check`, message: checks.describeUnknown(name) };
    faults.push(checks.isMisspelled(name) ? fault : { ...fault, isUnloaded: true });
    return undefined;
  }
  const options = readOptions(entry.options ?? {}, `${path}.options`, faults, check);
  const phases = readPhases(entry, path, faults, check);
  if (options === undefined || phases === undefined) return undefined;
  const deadlineMs = parseDuration(deadline) ?? DEFAULT_DEADLINE_MS;
  const selector = withoutUndefined({ servers, tools, teams });
  return { slug, check: name, mode, order, ...selector, phases, onFailure, deadlineMs, options };
}

function readOptions(
  written: unknown,
  path: string,
  faults: Fault[],
  check: GuardrailCheckOptions | undefined,
): object | undefined {
  if (!isJsonObject(written)) {
    faults.push({ path, message: 'must be a mapping.' });
    return undefined;
  }
  if (check === undefined) return written;
  if (check.options === undefined) {
    const [unknown] = Object.keys(written);
    if (unknown === undefined) return {};
    faults.push({ path: `${path}.${unknown}`, message: `Unknown key. The check ${check.name} has no options.` });
    return undefined;
  }
  // The document belongs to the registry: a check must not share parts of it.
  return readByExtension(check.options, structuredClone(written), path, faults);
}

/** A definition is shown to all callers alike, so a guardrail for some teams cannot judge definitions. */
function readPhases(
  { phases, teams }: GuardrailEntry,
  path: string,
  faults: Fault[],
  check: GuardrailCheckOptions | undefined,
): readonly GuardrailPhase[] | undefined {
  const supported = check?.phases ?? GUARDRAIL_PHASES;
  const before = faults.length;
  for (const [index, phase] of (phases ?? []).entries()) {
    const at = `${path}.phases[${index}]`;
    if (!supported.includes(phase))
      faults.push({ path: at, message: `The check ${check?.name ?? ''} supports only ${supported.join(', ')}.` });
    else if (phase === 'definitions' && teams)
      faults.push({ path: at, message: 'Definitions are judged once for all callers. Remove the phase, or teams.' });
  }
  if (faults.length > before) return undefined;
  const selected = new Set(phases ?? supported);
  if (teams) selected.delete('definitions');
  return GUARDRAIL_PHASES.filter((phase) => selected.has(phase));
}

/**
 * Returns what stands for a guardrail that cannot be read or whose check is not loaded: it refuses what it selects, because the
 * guardrail might have refused anything. What cannot be read selects everything.
 */
export function toUnusableGuardrail(slug: string, source: JsonObject = {}, fault: string): GuardrailDefinition {
  const { mode, check, order } = source;
  const selector = {
    servers: toTexts(source['servers']),
    tools: toTexts(source['tools']),
    teams: toTexts(source['teams']),
  };
  const written = toTexts(source['phases']);
  return {
    slug,
    check: typeof check === 'string' ? check : '',
    mode: GUARDRAIL_MODES.find((each) => each === mode) ?? 'enforce',
    order: typeof order === 'number' ? order : 0,
    ...withoutUndefined(selector),
    phases: GUARDRAIL_PHASES.filter((phase) => written?.includes(phase) ?? true),
    onFailure: 'refuse',
    deadlineMs: DEFAULT_DEADLINE_MS,
    options: {},
    fault,
  };
}

const toTexts = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
