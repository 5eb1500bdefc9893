import { LineCounter, parseDocument } from 'yaml';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import type { Fault } from './registry.errors.js';

export type ReadResult<T> = { readonly value: T } | { readonly faults: readonly Fault[] };

/** An alias may stand in a few places; thousands of them are a bomb. */
const MAX_ALIASES = 100;

/** Reads YAML, and with it JSON, which is a part of YAML. */
export function parseConfigurationText(text: string): ReadResult<JsonObject> {
  // What is being written is empty for a moment; taking that over would end every connection.
  if (text.trim() === '') return wholeFile('It is empty. Write "servers: {}" when no server is meant.');
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true });
  const complaints = [...document.errors, ...document.warnings];
  if (complaints.length > 0) {
    return {
      faults: complaints.map(({ message, pos }) => {
        const { line, col } = lineCounter.linePos(pos[0]);
        return { path: `line ${line}, column ${col}`, message: `${message}.` };
      }),
    };
  }
  return valueOf(() => document.toJS({ maxAliasCount: MAX_ALIASES }));
}

function valueOf(read: () => unknown): ReadResult<JsonObject> {
  try {
    const value = read() ?? {};
    if (isJsonObject(value)) return { value };
    return wholeFile('It must be a mapping with the keys servers, virtualServers and default.');
  } catch (fault) {
    return wholeFile(`${fault instanceof Error ? fault.message : String(fault)}.`);
  }
}

const wholeFile = (message: string): ReadResult<never> => ({ faults: [{ path: '', message }] });
