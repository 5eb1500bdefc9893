import {
  CARRIERS,
  json,
  POST_CARRIERS,
  resultFrame,
  type Behaviour,
  type Carrier,
  type Expectation,
  type Frame,
  type Step,
} from './behaviour.js';
import { brokeProtocol, outcomeUnknown, serverError, succeeds } from './expectations.js';

const LEGACY_CARRIERS = ['legacy-http', 'sse', 'stdio-legacy'] as const satisfies readonly Carrier[];
const MODERN_CARRIERS = ['modern-http', 'stdio-modern'] as const satisfies readonly Carrier[];
const STDIO_CARRIERS = ['stdio-legacy', 'stdio-modern'] as const satisfies readonly Carrier[];

/** Progress for an unknown token: an event without meaning for the client. */
const noise: Frame = () =>
  json({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'nobody', progress: 1 } });

const first: Frame = (id) => resultFrame(id, 'first');
const second: Frame = (id) => resultFrame(id, 'second');

const stream = (
  name: string,
  steps: readonly Step[],
  expect: Expectation,
  rest: Partial<Behaviour> & { resumed?: readonly (readonly Step[])[] } = {},
): Behaviour => {
  const { resumed, ...others } = rest;
  const act = resumed === undefined ? { kind: 'stream' as const, steps } : { kind: 'stream' as const, steps, resumed };
  return { name, act, carriers: POST_CARRIERS, expect, ...others };
};

/** Event streams without an answer: ended, reset or left open. */
const CUTS: readonly Behaviour[] = [
  stream('stream-empty', ['end'], brokeProtocol),
  stream('stream-cut', [{ event: noise }, 'end'], brokeProtocol),
  stream('stream-cut-with-ids', [{ event: noise, eventId: '1', retryMs: 100 }, 'end'], brokeProtocol),
  stream('stream-reset', [{ event: noise }, 'reset'], brokeProtocol),
  stream('stream-hang', [{ event: noise }, 'hang'], outcomeUnknown, { carriers: CARRIERS, untilTimeout: CARRIERS }),
  stream('channel-closed', ['end'], outcomeUnknown, {
    carriers: ['sse', ...STDIO_CARRIERS],
    endsSession: ['sse', ...STDIO_CARRIERS],
  }),
  stream('channel-closed-after-noise', [{ event: noise }, 'end'], outcomeUnknown, {
    carriers: ['sse', ...STDIO_CARRIERS],
    endsSession: ['sse', ...STDIO_CARRIERS],
  }),
  stream('channel-reset', [{ event: noise }, 'reset'], outcomeUnknown, {
    carriers: ['sse', ...STDIO_CARRIERS],
    endsSession: ['sse', ...STDIO_CARRIERS],
  }),
];

const EMPTY_RESUMPTIONS: readonly (readonly Step[])[] = Array.from({ length: 500 }, () => ['end'] as const);

/** Streams that a legacy client may resume with Last-Event-ID. Modern streams cannot be resumed. */
const RESUMPTIONS: readonly Behaviour[] = [
  stream('stream-resumed', [{ event: noise, eventId: '1', retryMs: 100 }, 'end'], brokeProtocol, {
    resumed: [[{ event: first, eventId: '2' }, 'end']],
    expectOn: { 'legacy-http': succeeds('first') },
  }),
  stream('stream-closed-after-each-event', [{ event: noise, eventId: '1', retryMs: 100 }, 'end'], brokeProtocol, {
    resumed: [
      [{ event: noise, eventId: '2' }, 'end'],
      [{ event: noise, eventId: '3' }, 'end'],
      [{ event: first, eventId: '4' }, 'end'],
    ],
    expectOn: { 'legacy-http': succeeds('first') },
  }),
  stream('stream-never-resumed', [{ event: noise, eventId: '1', retryMs: 100 }, 'end'], brokeProtocol, {
    resumed: EMPTY_RESUMPTIONS,
    expectOn: { 'legacy-http': outcomeUnknown },
    untilTimeout: ['legacy-http'],
  }),
];

const badEvent = (name: string, event: Frame): Behaviour => stream(name, [{ event }, 'end'], brokeProtocol);

/** Streams whose only message is not an answer to the request. */
const BAD_EVENTS: readonly Behaviour[] = [
  badEvent('stream-null', () => 'null'),
  badEvent('stream-array', (id) => `[${resultFrame(id, 'done')}]`),
  badEvent('stream-text', () => 'All is well'),
  badEvent('stream-truncated', (id) => resultFrame(id, 'done').slice(0, -3)),
  badEvent('stream-foreign-id', () => resultFrame('unknown-request', 'done')),
  badEvent('stream-no-id', () => json({ jsonrpc: '2.0', result: {} })),
  badEvent('stream-result-null', (id) => json({ jsonrpc: '2.0', id, result: null })),
  badEvent('stream-both-members', (id) => json({ jsonrpc: '2.0', id, result: {}, error: { code: 1, message: 'x' } })),
];

const UNANSWERED = { code: 4712, message: 'No answer', data: { refusal: -32601 } };

/**
 * Questions that the client did not declare a capability for. A legacy server receives a refusal and decides; a modern
 * server violates the protocol.
 */
const QUESTIONS: readonly Behaviour[] = [
  stream(
    'question-undeclared',
    [
      {
        ask: 'elicitation/create',
        params: { message: 'Your name?', requestedSchema: { type: 'object', properties: {} } },
      },
    ],
    { ...serverError(UNANSWERED), toModern: { kind: 'error', code: -32_021 } },
    {
      carriers: CARRIERS,
      expectOn: { 'modern-http': brokeProtocol, 'stdio-modern': outcomeUnknown },
      untilTimeout: ['stdio-modern'],
    },
  ),
  stream('question-unheard-of', [{ ask: 'acme/guess', params: {} }], serverError(UNANSWERED), {
    carriers: LEGACY_CARRIERS,
  }),
  {
    name: 'input-required-undeclared',
    act: {
      kind: 'message',
      frame: (id) =>
        json({
          jsonrpc: '2.0',
          id,
          result: {
            resultType: 'input_required',
            inputRequests: { name: { method: 'roots/list', params: {} } },
            requestState: 'half-way',
          },
        }),
    },
    carriers: MODERN_CARRIERS,
    expect: brokeProtocol,
  },
];

const TWICE: readonly Behaviour[] = [
  stream('answers-twice', [{ event: first }, { event: second }, 'end'], succeeds('first')),
  stream('answers-twice-on-channel', [{ event: first }, { event: second }], succeeds('first'), {
    carriers: ['sse', ...STDIO_CARRIERS],
  }),
];

export const STREAM_BEHAVIOURS: readonly Behaviour[] = [...CUTS, ...RESUMPTIONS, ...BAD_EVENTS, ...QUESTIONS, ...TWICE];
