import { ProtocolFailure, schemaOf, textResult, type Tool } from './feature.js';
import { sampleAudio, sampleImage } from './samples.js';

function constantTool(name: string, description: string, result: ReturnType<typeof textResult>): Tool {
  return { definition: { name, description, inputSchema: schemaOf() }, run: () => result };
}

const embedded = {
  type: 'resource',
  resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' },
} as const;

const mixed = {
  type: 'resource',
  resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' },
} as const;

const link = {
  type: 'resource_link',
  uri: 'test://static-text',
  name: 'static-text',
  description: 'A text that never changes',
  mimeType: 'text/plain',
} as const;

const echo: Tool = {
  definition: {
    name: 'echo',
    title: 'Echo',
    description: 'Returns the text it is given',
    inputSchema: schemaOf({ text: { type: 'string' } }),
    annotations: { readOnlyHint: true, idempotentHint: true },
  },
  run: ({ text }) => textResult(String(text)),
};

const add: Tool = {
  definition: {
    name: 'add',
    title: 'Add',
    description: 'Adds two numbers and returns a structured result',
    inputSchema: schemaOf({ a: { type: 'number' }, b: { type: 'number' } }),
    outputSchema: schemaOf({ sum: { type: 'number' } }),
    annotations: { readOnlyHint: true },
  },
  run: ({ a, b }) => {
    const sum = Number(a) + Number(b);
    return { ...textResult(JSON.stringify({ sum })), structuredContent: { sum } };
  },
};

const large: Tool = {
  definition: {
    name: 'large',
    description: 'Returns a text of the given length',
    inputSchema: schemaOf({ characters: { type: 'integer', minimum: 0, maximum: 16_000_000 } }),
  },
  run: ({ characters }) => textResult('x'.repeat(Number(characters))),
};

const throwing: Tool = {
  definition: {
    name: 'throw_error',
    description: 'Answers with a JSON-RPC error that has the given code, message and some data',
    inputSchema: schemaOf({ code: { type: 'integer' }, message: { type: 'string' } }),
  },
  run: ({ code, message }) => {
    throw new ProtocolFailure(Number(code), String(message), { thrownBy: 'throw_error' });
  },
};

const failing: Tool = {
  definition: { name: 'test_error_handling', description: 'Always fails, as a tool', inputSchema: schemaOf() },
  run: () => {
    throw new Error('This tool intentionally returns an error for testing');
  },
};

/** Verifies that keywords of JSON Schema 2020-12 reach the client unchanged. */
const wideSchema: Tool = {
  definition: {
    name: 'json_schema_2020_12_tool',
    description: 'Has an input schema that uses much of JSON Schema 2020-12',
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: {
          $anchor: 'addressDef',
          type: 'object',
          properties: { street: { type: 'string' }, city: { type: 'string' } },
        },
      },
      properties: {
        name: { type: 'string' },
        address: { $ref: '#/$defs/address' },
        contactMethod: { type: 'string', enum: ['phone', 'email'] },
        phone: { type: 'string' },
        email: { type: 'string' },
      },
      allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
      if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
      then: { required: ['phone'] },
      else: { required: ['email'] },
      additionalProperties: false,
    },
  },
  run: (args) => textResult(JSON.stringify(args)),
};

export const contentTools: Tool[] = [
  echo,
  add,
  constantTool('all_content', 'Returns every type of content', {
    content: [{ type: 'text', text: 'Every type of content' }, sampleImage, sampleAudio, embedded, link],
  }),
  large,
  throwing,
  constantTool('test_simple_text', 'Returns one text', textResult('This is a simple text response for testing.')),
  constantTool('test_image_content', 'Returns an image', { content: [sampleImage] }),
  constantTool('test_audio_content', 'Returns a sound', { content: [sampleAudio] }),
  constantTool('test_embedded_resource', 'Returns an embedded resource', { content: [embedded] }),
  constantTool('test_multiple_content_types', 'Returns text, image and resource', {
    content: [{ type: 'text', text: 'Multiple content types test:' }, sampleImage, mixed],
  }),
  failing,
  wideSchema,
];
