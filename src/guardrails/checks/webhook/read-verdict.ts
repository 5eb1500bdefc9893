import {
  isJsonObject,
  parseJson,
  PASS,
  type GuardrailFinding,
  type GuardrailVerdict,
  type JsonObject,
  type JsonValue,
} from '#lib/extension-kit';

const MAX_REASON_LENGTH = 300;
const MAX_FINDINGS = 50;
const KIND = /^[a-z\d-]{1,64}$/;
const DEFAULT_REASON = 'A policy of your organization refuses this.';

/**
 * Reads the verdict of a service: `{"action":"pass"}`, `{"action":"change","value":{…}}` or `{"action":"refuse","reason":"…"}`, each with
 * optional `findings`.
 * @throws Error for anything else. The message contains nothing of the answer.
 */
export function readVerdict(text: string): GuardrailVerdict {
  const answer = parseAnswer(text);
  const findings = readFindings(answer['findings']);
  switch (answer['action']) {
    case 'pass':
      return PASS;
    case 'change':
      if (!isJsonObject(answer['value'])) throw invalid('has no object "value"');
      return { action: 'change', value: answer['value'], findings };
    case 'refuse':
      return { action: 'refuse', reason: readReason(answer['reason']), findings };
    default:
      throw invalid('has no action "pass", "change" or "refuse"');
  }
}

function parseAnswer(text: string): JsonObject {
  let answer: JsonValue;
  try {
    answer = parseJson(text);
  } catch {
    throw invalid('is not valid JSON');
  }
  if (!isJsonObject(answer)) throw invalid('is not a JSON object');
  return answer;
}

function readFindings(findings: JsonValue | undefined): readonly GuardrailFinding[] {
  if (findings === undefined) return [{ kind: 'webhook', count: 1 }];
  if (!Array.isArray(findings) || findings.length > MAX_FINDINGS)
    throw invalid('has "findings" that are no short array');
  return findings.map((finding) => {
    const { kind, count = 1 } = isJsonObject(finding) ? finding : {};
    const isValid = typeof kind === 'string' && KIND.test(kind) && Number.isSafeInteger(count) && Number(count) > 0;
    if (!isValid) throw invalid('has a finding without a kind (lower case letters, digits, hyphens) and a count');
    return { kind, count: Number(count) };
  });
}

/** The service speaks to the caller in one line. */
function readReason(reason: JsonValue | undefined): string {
  const line = typeof reason === 'string' ? reason.replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim() : '';
  return line === '' ? DEFAULT_REASON : line.slice(0, MAX_REASON_LENGTH).toWellFormed();
}

const invalid = (fault: string): Error => new Error(`The answer of the guardrail service ${fault}.`);
