import { expect } from '@jest/globals';
import { describeCells, expectHonestFailure, type Cell, type Feature, type Instead } from '../support/client-cells.js';
import { textOf } from '../support/sdk-client.js';

/** The question is put by calling `tool`; with the answers that all clients give, it says `said`. */
const asking = (name: string, tool: string, args: object, said: string): Feature => ({
  name,
  run: async (cell) => expect(textOf(await cell.client.call(cell.name(tool), { ...args }))).toBe(said),
  instead: insteadOfAsking(({ client, ...cell }) => client.call(cell.name(tool), { ...args })),
});

function insteadOfAsking(ask: (cell: Cell) => Promise<unknown>): NonNullable<Feature['instead']> {
  const run: Instead['run'] = async (cell) => void (await expectHonestFailure(ask(cell)));
  return ({ clientKind, serverKind }) => {
    if (serverKind.stateless) return { why: 'Without sessions the server never learns whether it may ask.', run };
    if (clientKind.era === 'legacy' || serverKind.era === 'modern') return undefined;
    return { why: 'The server waits for its answer within the call, which this client cannot give.', run };
  };
}

const readGreeting = ({ client, uri }: Cell) => client.read(uri('test://greeting'));
const getAskingPrompt = ({ client, name }: Cell) => client.prompt(name('test_input_required_result_prompt'));

const FEATURES: readonly Feature[] = [
  asking('fills in a form', 'ask_name', {}, 'accept: Ada'),
  asking('opens a URL', 'ask_url', {}, 'visit: accept'),
  asking('lends its model', 'ask_model', { prompt: 'Say something' }, 'model: something nice'),
  asking('lends its model with tools', 'ask_model_with_tools', { prompt: 'Look' }, 'model: something nice'),
  asking('shows its roots', 'ask_roots', {}, 'roots: file:///srv'),
  asking('is asked three times in a row', 'ask_rounds', { rounds: 3 }, 'yes yes yes'),
  asking('is asked three things at once', 'ask_at_once', {}, 'Ada | something nice | file:///srv'),
  {
    name: 'is asked before it reads a resource',
    run: async (cell) => expect(await readGreeting(cell)).toMatchObject([{ text: 'Hello, Ada!' }]),
    instead: insteadOfAsking(readGreeting),
  },
  {
    name: 'is asked before it gets a prompt',
    run: async (cell) =>
      expect(await getAskingPrompt(cell)).toMatchObject([{ content: { text: 'The context is: a walk' } }]),
    instead: insteadOfAsking(getAskingPrompt),
  },
  {
    name: 'is not asked for what it did not declare',
    async run({ connect, name }) {
      const silent = await connect({ talkative: false });
      for (const tool of ['ask_name', 'ask_roots']) await expectHonestFailure(silent.call(name(tool)));
    },
  },
];

describeCells(FEATURES);
