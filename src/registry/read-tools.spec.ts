import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { readTools } from './read-tools.js';
import type { Fault } from './registry.errors.js';

const tools = (count: number, tool: JsonObject): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_tool, index) => [`t${index}`, { path: '/', ...tool }]));

const faultsOf = (value: JsonObject): string[] => {
  const faults: Fault[] = [];
  readTools(value, 'tools', faults);
  return faults.map(({ path, message }) => `${path}: ${message}`);
};

const withText = (length: number): JsonObject => ({ inputSchema: { type: 'object', description: 'x'.repeat(length) } });

describe('readTools', () => {
  it('rejects more than 1,000 tools', () => {
    expect(faultsOf(tools(1_000, {}))).toEqual([]);
    expect(faultsOf(tools(1_001, {}))).toEqual([
      'tools: has 1001 tools. A server may have at most 1000: distribute them over several servers.',
    ]);
  });

  it('rejects a schema above 64 KiB', () => {
    expect(faultsOf(tools(1, withText(65_000)))).toEqual([]);
    expect(faultsOf(tools(1, withText(65_536)))).toEqual([
      'tools.t0.inputSchema: is too large. A schema may have at most 64 KiB.',
    ]);
  });

  it('rejects more than 8 MiB of schemas', () => {
    expect(faultsOf(tools(140, withText(60_000)))).toEqual([
      'tools: has more than 8 MiB of input schemas: distribute the tools over several servers.',
    ]);
  });
});
