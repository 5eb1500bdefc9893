import { BinaryReader } from '@bufbuild/protobuf/wire';

/** A span as it was received. Ids are hexadecimal. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'server' | 'client' | 'other';
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Ids of the linked spans. */
  readonly links: readonly string[];
  readonly hasFailed: boolean;
  readonly durationMs: number;
}

/** Members of a message: each value by the number of its field. */
type Fields = ReadonlyMap<number, readonly FieldValue[]>;
type FieldValue = Uint8Array | bigint | number;

const KINDS: Readonly<Record<string, ReceivedSpan['kind'] | undefined>> = { 2: 'server', 3: 'client' };
const ERROR_STATUS = 2;
const NANOSECONDS_PER_MS = 1e6;

/** Reads an `ExportTraceServiceRequest` (opentelemetry-proto 1.x: trace.proto, common.proto). */
export function decodeSpans(body: Uint8Array): ReceivedSpan[] {
  const resourceSpans = messages(readFields(body), 1);
  return resourceSpans.flatMap((resource) => messages(resource, 2).flatMap((scope) => messages(scope, 2).map(toSpan)));
}

function toSpan(span: Fields): ReceivedSpan {
  const [status] = messages(span, 15);
  const startedAt = span.get(7)?.[0] as bigint;
  const endedAt = span.get(8)?.[0] as bigint;
  return {
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    name: text(span, 5),
    kind: KINDS[String(span.get(6)?.[0])] ?? 'other',
    attributes: Object.fromEntries(messages(span, 9).map(toAttribute)),
    links: messages(span, 13).map((link) => hex(link, 2)),
    hasFailed: status?.get(3)?.[0] === ERROR_STATUS,
    durationMs: Number(endedAt - startedAt) / NANOSECONDS_PER_MS,
  };
}

function toAttribute(pair: Fields): [string, string | number | boolean] {
  const [value = new Map<number, FieldValue[]>()] = messages(pair, 2);
  const [[field, [first]] = [0, []]] = value.entries();
  if (field === 1) return [text(pair, 1), text(value, 1)];
  return [text(pair, 1), field === 2 ? Boolean(first) : Number(first ?? 0)];
}

/** The wire types of protobuf. */
const WIRE = { varint: 0, fixed64: 1, bytes: 2 } as const;
const DOUBLE_FIELD = 4;

/** Reads one message. A 64-bit field with the number 4 is the double of an attribute, any other a time. */
function readFields(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, FieldValue[]>();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const type: number = wireType;
    let value: FieldValue | undefined;
    if (type === WIRE.varint) value = Number(reader.int64());
    else if (type === WIRE.bytes) value = reader.bytes();
    else if (type === WIRE.fixed64) value = field === DOUBLE_FIELD ? reader.double() : BigInt(reader.fixed64());
    else reader.skip(wireType);
    if (value !== undefined) fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

const messages = (fields: Fields, field: number): Fields[] =>
  (fields.get(field) ?? []).map((value) => readFields(value as Uint8Array));

const bytesOf = (fields: Fields, field: number): Buffer =>
  Buffer.from((fields.get(field)?.[0] as Uint8Array | undefined) ?? []);

const hex = (fields: Fields, field: number): string => bytesOf(fields, field).toString('hex');

const text = (fields: Fields, field: number): string => bytesOf(fields, field).toString('utf8');
