/** The server info of both eras. */
export const identity = { name: 'isthmus-reference-server', title: 'Reference server', version: '1.0.0' };

export const instructions = 'A server for tests: it offers every feature of the protocol once.';

export const capabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  logging: {},
  completions: {},
};
