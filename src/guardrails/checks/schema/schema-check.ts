import {
  compileSchema,
  Guardrail,
  GuardrailCheck,
  isJsonObject,
  PASS,
  SchemaFault,
  type GuardrailSubject,
  type GuardrailVerdict,
  type JsonObject,
  type SchemaCheck as CompiledSchema,
} from '#lib/extension-kit';

/**
 * Validates arguments of tools against their input schema, and structured content against their output schema (specification:
 * server/tools, Output Schema). Schemas of servers are never fetched from elsewhere, their size and the work of applying them are
 * bounded, and their patterns run in linear time.
 */
@Guardrail('schema', { phases: ['arguments', 'results'] })
export class SchemaCheck extends GuardrailCheck {
  /** @throws Error when the definition of the tool is unknown or its schema cannot be used */
  check({ phase, value, item, definition }: GuardrailSubject): GuardrailVerdict {
    if (item?.kind !== 'tools') return PASS;
    if (definition === undefined) throw new Error('The definition of the tool is not known yet. List the tools first.');
    return phase === 'arguments' ? checkArguments(value, definition) : checkResult(value, definition);
  }
}

function checkArguments(value: JsonObject, { inputSchema }: JsonObject): GuardrailVerdict {
  if (!isJsonObject(inputSchema)) return PASS;
  const fault = compile(inputSchema, 'input')(value);
  return fault === undefined ? PASS : refuse(fault);
}

function checkResult(value: JsonObject, { outputSchema }: JsonObject): GuardrailVerdict {
  const { isError, resultType = 'complete', structuredContent: content } = value;
  if (!isJsonObject(outputSchema) || isError === true || resultType !== 'complete') return PASS;
  if (content === undefined) return refuse('The result lacks the structured content that the output schema describes.');
  // The fault may name members of the content, which a verdict must not repeat.
  const isValid = compile(outputSchema, 'output')(content) === undefined;
  return isValid ? PASS : refuse('The structured content of the result does not match the output schema of the tool.');
}

function compile(schema: JsonObject, kind: 'input' | 'output'): CompiledSchema {
  try {
    return compileSchema(schema);
  } catch (fault) {
    if (!(fault instanceof SchemaFault)) throw fault;
    throw new Error(`The ${kind} schema of the tool ${fault.message}`, { cause: fault });
  }
}

const refuse = (reason: string): GuardrailVerdict => ({
  action: 'refuse',
  reason,
  findings: [{ kind: 'schema-mismatch', count: 1 }],
});
