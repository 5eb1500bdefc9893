import { useCallback, useEffect, useRef, useState } from 'react';
import type { McpClient, Message, Question } from '../../mcp/index.js';
import { isObject, type JsonObject } from '../../values/index.js';
import type { McpRequest } from './requests.js';

/** The newest messages of a call are kept, up to this number. */
const MAX_MESSAGES = 500;

export interface Traffic {
  readonly direction: 'sent' | 'received';
  readonly message: Message;
  readonly at: number;
}

export interface LogEntry {
  readonly level: string;
  readonly logger: string | undefined;
  readonly data: unknown;
}

export interface Progress {
  readonly progress: number;
  readonly total: number | undefined;
  readonly message: string | undefined;
}

export interface OpenQuestion {
  readonly key: number;
  readonly question: Question;
  readonly answer: (result: JsonObject) => void;
  /** Rejects the question without a result. */
  readonly reject: (cause: Error) => void;
}

export interface Call {
  readonly state: 'idle' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly traffic: readonly Traffic[];
  readonly logs: readonly LogEntry[];
  readonly questions: readonly OpenQuestion[];
  readonly progress?: Progress;
  readonly result?: JsonObject;
  readonly error?: Error;
  readonly tookMs?: number;
}

const IDLE: Call = { state: 'idle', traffic: [], logs: [], questions: [] };

type Update = (change: (call: Call) => Partial<Call>) => void;

interface Calling {
  readonly call: Call;
  readonly start: (request: McpRequest) => void;
  readonly cancel: () => void;
}

/** Sends requests, one at a time, and keeps what happens meanwhile. */
export function useCall(client: McpClient): Calling {
  const [call, setCall] = useState(IDLE);
  const running = useRef<AbortController>(undefined);
  const cancel = useCallback(() => running.current?.abort(), []);
  useEffect(() => cancel, [cancel]);
  const start = ({ method, params: own, headers = {} }: McpRequest) => {
    cancel();
    const controller = new AbortController();
    const { signal } = controller;
    running.current = controller;
    const startedAt = performance.now();
    const update: Update = (change) => {
      if (running.current === controller) setCall((current) => ({ ...current, ...change(current) }));
    };
    const end = (change: Partial<Call>) =>
      update(() => ({ ...change, questions: [], tookMs: Math.round(performance.now() - startedAt) }));
    setCall({ ...IDLE, state: 'running' });
    const params = { ...own, _meta: { progressToken: crypto.randomUUID?.() ?? String(startedAt) } };
    client.request(method, params, { listener: listenerOf(update), signal, headers }).then(
      (result) => end({ state: 'done', result }),
      (cause: unknown) =>
        signal.aborted
          ? end({ state: 'cancelled' })
          : end({ state: 'failed', error: cause instanceof Error ? cause : new Error(String(cause)) }),
    );
  };
  return { call, start, cancel };
}

let lastKey = 0;

function listenerOf(update: Update) {
  return {
    onMessage: (direction: Traffic['direction'], message: Message) =>
      update(({ traffic }) => ({
        traffic: [...traffic.slice(1 - MAX_MESSAGES), { direction, message, at: Date.now() }],
      })),
    onNotification: (method: string, params: JsonObject) => {
      if (method === 'notifications/progress') update(() => ({ progress: toProgress(params) }));
      if (method === 'notifications/message')
        update(({ logs }) => ({ logs: [...logs.slice(1 - MAX_MESSAGES), toLogEntry(params)] }));
    },
    onQuestion: (question: Question, signal: AbortSignal) =>
      new Promise<JsonObject>((resolve, reject) => {
        const key = (lastKey += 1);
        const close = () => update(({ questions }) => ({ questions: questions.filter((each) => each.key !== key) }));
        const settle =
          <T>(how: (value: T) => void) =>
          (value: T) => {
            close();
            how(value);
          };
        signal.addEventListener('abort', () => settle(reject)(new Error('The call was cancelled.')));
        const open = { key, question, answer: settle(resolve), reject: settle(reject) };
        update(({ questions }) => ({ questions: [...questions, open] }));
      }),
  };
}

function toProgress({ progress, total, message }: JsonObject): Progress {
  return {
    progress: typeof progress === 'number' ? progress : 0,
    total: typeof total === 'number' ? total : undefined,
    message: typeof message === 'string' ? message : undefined,
  };
}

function toLogEntry({ level, logger, data }: JsonObject): LogEntry {
  return {
    level: typeof level === 'string' ? level : 'info',
    logger: typeof logger === 'string' ? logger : undefined,
    data: isObject(data) || Array.isArray(data) ? data : String(data),
  };
}
