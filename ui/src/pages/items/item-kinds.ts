/** The kinds of items, as the paths of the admin API call them. */
export const KINDS = {
  tools: 'Tools',
  prompts: 'Prompts',
  resources: 'Resources',
  'resource-templates': 'Resource templates',
} as const;

export type Kind = keyof typeof KINDS;

export const toKind = (text: string): Kind => (text in KINDS ? (text as Kind) : 'tools');

/** What one item of a kind is called. */
export const NOUNS: Readonly<Record<Kind, string>> = {
  tools: 'tool',
  prompts: 'prompt',
  resources: 'resource',
  'resource-templates': 'resource template',
};
