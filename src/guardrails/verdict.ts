import type { GuardrailFinding, GuardrailVerdict } from '#lib/extension-kit';
import { cleanDetail, isJsonObject } from '#lib/mcp-protocol';
import { copyJsonObject, freezeDeeply } from '../interception/index.js';

const MAX_FINDINGS = 32;
const FINDING_KIND = /^[a-z0-9-]{1,64}$/;
const MAX_REASON_LENGTH = 500;
/** A refusal stays one: a guardrail may let pass what its check could not judge. */
const NO_REASON = 'its check gave no reason';

/** A check returned something that is no verdict. The message says what, and quotes nothing. */
export class NoVerdict extends Error {
  override readonly name = 'NoVerdict';
}

/**
 * Reads what a check returned, once, so that the check cannot change it any more.
 * @throws NoVerdict
 */
export function readVerdict(returned: unknown): GuardrailVerdict {
  if (!isJsonObject(returned)) throw new NoVerdict('it returned no verdict');
  const { action, value, reason, findings } = returned;
  if (action === 'pass') return { action };
  if (action === 'refuse') {
    if (typeof reason !== 'string') throw new NoVerdict('it refused without a reason');
    return { action, reason: cleanDetail(reason, MAX_REASON_LENGTH) || NO_REASON, findings: readFindings(findings) };
  }
  if (action !== 'change') throw new NoVerdict('it returned an unknown action');
  return { action, value: readValue(value), findings: readFindings(findings) };
}

function readValue(value: unknown) {
  try {
    return freezeDeeply(copyJsonObject(value));
  } catch {
    throw new NoVerdict('its changed value is no JSON object');
  }
}

function readFindings(findings: unknown): readonly GuardrailFinding[] {
  if (!Array.isArray(findings)) return [];
  const valid = findings.flatMap((finding: unknown) => {
    const { kind, count } = isJsonObject(finding) ? finding : {};
    const isValid = typeof kind === 'string' && FINDING_KIND.test(kind) && isCount(count);
    return isValid ? [{ kind, count: Math.trunc(count) }] : [];
  });
  return valid.slice(0, MAX_FINDINGS);
}

const isCount = (count: unknown): count is number => typeof count === 'number' && Number.isFinite(count) && count >= 1;
