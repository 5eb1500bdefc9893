import { LineCounter, parseDocument } from 'yaml';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import type { Fault } from './registry.errors.js';

export type ReadResult<T> = { readonly value: T } | { readonly faults: readonly Fault[] };

/** Bounds alias expansion, because nested aliases multiply exponentially. */
const MAX_ALIASES = 100;

/** Parses YAML, and therefore also JSON, which is a subset of YAML. */
export function parseConfigurationText(text: string): ReadResult<JsonObject> {
  // An editor may truncate the file before writing it. Applying the empty file would close every connection.
  if (text.trim() === '') return toDocumentFault('The file is empty. Write "servers: {}" to declare no servers.');
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true });
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) {
    return {
      faults: problems.map(({ message, pos }) => {
        const { line, col } = lineCounter.linePos(pos[0]);
        return { path: `line ${line}, column ${col}`, message: `${withoutText(message)}.` };
      }),
    };
  }
  return toResult(() => document.toJS({ maxAliasCount: MAX_ALIASES }));
}

function toResult(convert: () => unknown): ReadResult<JsonObject> {
  try {
    const value = convert() ?? {};
    if (isJsonObject(value)) return { value };
    return toDocumentFault('The file must be a mapping with keys such as servers, virtualServers and default.');
  } catch (fault) {
    return toDocumentFault(`${withoutText(fault instanceof Error ? fault.message : String(fault))}.`);
  }
}

/** Removes what a message of the parser quotes after its first colon: it may be a credential. */
const withoutText = (message: string): string => message.replace(/:\s[\s\S]*$/, '');

const toDocumentFault = (message: string): ReadResult<never> => ({ faults: [{ path: '', message }] });
