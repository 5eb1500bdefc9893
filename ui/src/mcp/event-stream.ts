/** One event of a stream of server-sent events. */
export interface StreamEvent {
  readonly data: string;
  /** Identifies the place in the stream, from which it can be continued. */
  readonly id: string | undefined;
  /** How long to wait before the stream is continued, in milliseconds. */
  readonly retryMs: number | undefined;
}

const LINE_END = /\r\n|\n|\r(?!$)/;

/** Reads server-sent events (HTML Standard, 9.2.6). An event that the end of the stream cuts off is dropped. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = '';
  let lines: string[] = [];
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const parts = (rest + part.value).split(LINE_END);
      rest = parts.pop() ?? '';
      for (const line of parts) {
        if (line !== '') lines.push(line);
        else {
          if (lines.length > 0) yield toEvent(lines);
          lines = [];
        }
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function toEvent(lines: readonly string[]): StreamEvent {
  const fields = lines.map((line) => {
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    return [name, value] as const;
  });
  const valuesOf = (wanted: string) => fields.filter(([name]) => name === wanted).map(([, value]) => value);
  const retry = valuesOf('retry').at(-1);
  return {
    data: valuesOf('data').join('\n'),
    id: valuesOf('id').at(-1),
    retryMs: retry !== undefined && /^\d+$/.test(retry) ? Number(retry) : undefined,
  };
}
