import { INVALID_PARAMS, ProtocolFailure } from './feature.js';
import type { FeatureContext, Resource, ResourceContents, ResourceTemplate } from './feature.js';
import { askForm, fieldOf } from './question.js';
import { sampleBlob } from './samples.js';
import type { ReferenceWorld } from './world.js';

export const WATCHED_URI = 'test://watched-resource';

function textResource(uri: string, description: string, text: (context: FeatureContext) => string): Resource {
  const definition = { uri, name: uri.slice('test://'.length), description, mimeType: 'text/plain' };
  return { definition, read: (context) => ({ uri, mimeType: 'text/plain', text: text(context) }) };
}

const binary: Resource = {
  definition: {
    uri: 'test://static-binary',
    name: 'static-binary',
    description: 'An image that never changes',
    mimeType: 'image/png',
  },
  read: () => ({ uri: 'test://static-binary', mimeType: 'image/png', blob: sampleBlob }),
};

const greeting: Resource = {
  definition: {
    uri: 'test://greeting',
    name: 'greeting',
    description: 'Asks for a name before it can be read',
    mimeType: 'text/plain',
  },
  async read(context) {
    const answers = await context.ask({ name: askForm('Who reads this?', { name: { type: 'string' } }) });
    return { uri: 'test://greeting', mimeType: 'text/plain', text: `Hello, ${fieldOf(answers.name, 'name')}!` };
  },
};

const resources: Resource[] = [
  textResource(
    'test://static-text',
    'A text that never changes',
    () => 'This is the content of the static text resource.',
  ),
  binary,
  textResource(
    WATCHED_URI,
    'A text that touch_resource changes',
    ({ world }) => `revision ${world.revisionOf(WATCHED_URI)}`,
  ),
  greeting,
];

const extra = textResource('test://extra', 'Comes and goes', () => 'the extra resource');

const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

const templates: ResourceTemplate[] = [
  {
    definition: {
      uriTemplate: 'test://template/{id}/data',
      name: 'template-data',
      description: 'Data made from the id in the URI',
      mimeType: 'application/json',
    },
    read(uri) {
      const id = TEMPLATE.exec(uri)?.[1];
      if (id === undefined) return undefined;
      const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
      return { uri, mimeType: 'application/json', text };
    },
  },
];

export function resourcesIn(world: ReferenceWorld): Resource[] {
  return world.hasExtra('resources') ? [...resources, extra] : resources;
}

export function resourceTemplates(): ResourceTemplate[] {
  return templates;
}

/** Reads a resource; `notFoundCode` is the era's error code for an unknown resource. */
export async function readResource(
  uri: string,
  context: FeatureContext,
  notFoundCode: number,
): Promise<ResourceContents> {
  const resource = resourcesIn(context.world).find(({ definition }) => definition.uri === uri);
  if (resource) return resource.read(context);
  for (const template of templates) {
    const contents = template.read(uri);
    if (contents) return contents;
  }
  throw new ProtocolFailure(notFoundCode, 'Resource not found', { uri });
}

export const RESOURCE_NOT_FOUND = { legacy: -32002, modern: INVALID_PARAMS } as const;
