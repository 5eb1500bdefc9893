import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '../json.js';
import { parseJson } from '../parse-json.js';
import { mirrorParameters, readParameterHeaders } from './parameters.js';

const annotated = (type: JsonValue, header: JsonValue = 'Region'): JsonObject => ({ type, 'x-mcp-header': header });
const schema = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more });

describe('parameters that are mirrored in headers', () => {
  it('are found at every depth of properties', () => {
    const nested = schema({ zone: annotated('integer', 'Zone') });
    expect(
      readParameterHeaders(schema({ region: annotated('string'), query: { type: 'string' }, place: nested })),
    ).toStrictEqual({
      headers: [
        { header: 'Mcp-Param-Region', path: ['region'], type: 'string' },
        { header: 'Mcp-Param-Zone', path: ['place', 'zone'], type: 'integer' },
      ],
    });
  });

  it('are absent from a schema without annotations', () => {
    expect(readParameterHeaders({})).toStrictEqual({ headers: [] });
    expect(readParameterHeaders(schema({ 'x-mcp-header': { type: 'string' } }))).toStrictEqual({ headers: [] });
    const examples = { type: 'object', default: { 'x-mcp-header': 'X' }, examples: [{ 'x-mcp-header': 'X' }] };
    expect(readParameterHeaders(schema({ data: examples }))).toStrictEqual({ headers: [] });
  });

  it.each<[string, JsonObject]>([
    ['an empty name', schema({ a: annotated('string', '') })],
    ['a name with a blank', schema({ a: annotated('string', 'My Region') })],
    ['a name with a control character', schema({ a: annotated('string', 'Region\t1') })],
    ['a name with a line break', schema({ a: annotated('string', 'Region\r\nX: y') })],
    ['a name with a colon', schema({ a: annotated('string', 'a:b') })],
    ['a name beyond ASCII', schema({ a: annotated('string', 'Région') })],
    ['a name that is not a string', schema({ a: annotated('string', 5) })],
    ['a null name', schema({ a: annotated('string', null) })],
    ['the type number', schema({ a: annotated('number') })],
    ['the type object', schema({ a: annotated('object') })],
    ['the type array', schema({ a: annotated('array') })],
    ['the type null', schema({ a: annotated('null') })],
    ['several types', schema({ a: annotated(['string', 'null']) })],
    ['no type', schema({ a: { 'x-mcp-header': 'Region' } })],
    ['a name given twice', schema({ a: annotated('string'), b: annotated('string') })],
    [
      'a name given twice in another case',
      schema({ a: annotated('string'), b: schema({ c: annotated('string', 'REGION') }) }),
    ],
    ['an annotation of the root', { type: 'object', 'x-mcp-header': 'Region' }],
    ['an annotation in items', schema({ a: { type: 'array', items: annotated('string') } })],
    ['an annotation in prefixItems', schema({ a: { type: 'array', prefixItems: [annotated('string')] } })],
    ['an annotation in oneOf', schema({ a: { oneOf: [annotated('string')] } })],
    ['an annotation deep in anyOf', schema({}, { anyOf: [schema({ a: annotated('string') })] })],
    ['an annotation in if', schema({}, { if: schema({ a: annotated('string') }) })],
    ['an annotation in additionalProperties', schema({}, { additionalProperties: annotated('string') })],
    ['an annotation in patternProperties', schema({}, { patternProperties: { '^a': annotated('string') } })],
    ['an annotation in $defs', schema({ a: { $ref: '#/$defs/b' } }, { $defs: { b: annotated('string') } })],
    ['an annotation in items in items', schema({ a: { items: { items: annotated('string') } } })],
  ])('make the tool definition invalid with %s', (_what, inputSchema) => {
    expect(readParameterHeaders(inputSchema)).toStrictEqual({ fault: expect.stringContaining('') });
  });

  it('are mirrored with their values, and omitted if no header can carry the value', () => {
    const read = readParameterHeaders(
      schema({
        text: annotated('string', 'Text'),
        count: annotated('integer', 'Count'),
        sure: annotated('boolean', 'Sure'),
        gone: annotated('string', 'Gone'),
        empty: annotated('string', 'Empty'),
        list: annotated('string', 'List'),
        deep: schema({ a: annotated('string', 'Deep') }),
        constructor: annotated('string', 'Inherited'),
      }),
    );
    const headers = 'headers' in read ? read.headers : [];
    expect(headers).toHaveLength(8);
    const args = { text: 'x', count: -7, sure: false, gone: null, list: ['x'], deep: { a: 'y' } };
    expect(mirrorParameters(headers, args)).toStrictEqual({
      'Mcp-Param-Text': 'x',
      'Mcp-Param-Count': -7,
      'Mcp-Param-Sure': false,
      'Mcp-Param-Deep': 'y',
    });
    const written = parseJson('{"params":{"arguments":{"count":7.0}}}') as { params: { arguments: JsonObject } };
    expect(mirrorParameters(headers, written.params.arguments)).toStrictEqual({ 'Mcp-Param-Count': 7 });
    const unsafe = parseJson('{"count":12345678901234567890,"deep":7}') as JsonObject;
    expect(mirrorParameters(headers, unsafe)).toStrictEqual({});
  });
});
