import { Badge, Copyable, Definitions, JsonView, PageLink, Panel, type Tone } from '../../components/index.js';
import { Declined, McpError } from '../../mcp/index.js';
import { usePermissions, useSession } from '../../session/index.js';
import { objectsOf, textOf, type JsonObject } from '../../values/index.js';
import { Content, EmbeddedResource } from './Content.js';
import styles from './try.module.css';
import type { Call } from './use-call.js';

interface Verdict {
  readonly tone: Tone;
  readonly title: string;
  /** Whether the call has run, in one sentence. */
  readonly text: string;
}

const NOT_EXECUTED: Verdict = { tone: 'warning', title: 'not executed', text: 'The call did not run.' };
const UNKNOWN: Verdict = {
  tone: 'bad',
  title: 'outcome unknown',
  text: 'The call may have run. Check its effect before you repeat it.',
};
const EXECUTED: Verdict = { tone: 'bad', title: 'executed', text: 'The call ran, but its result cannot be shown.' };
const ANSWERED: Verdict = {
  tone: 'bad',
  title: 'executed',
  text: 'The server received the call and answered it with an error.',
};
const INVALID: Verdict = {
  tone: 'warning',
  title: 'not executed',
  text: 'The request was refused as invalid, so nothing has run.',
};
/** Errors of JSON-RPC for requests that cannot be dispatched: invalid request, method not found, invalid params. */
const INVALID_CODES: ReadonlySet<number | undefined> = new Set([-32_600, -32_601, -32_602]);

interface CallResultProps {
  readonly call: Call;
  /** What was used, such as `tool`. */
  readonly noun: string;
}

/** Shows the result of a call, or why it has none and whether it has run. */
export function CallResult({ call, noun }: CallResultProps) {
  const { state, result, error } = call;
  if (state === 'running') return null;
  if (state === 'idle')
    return (
      <Panel title="Result">
        <p className={styles['muted']}>The result appears here, with every message that was sent and received.</p>
      </Panel>
    );
  if (result) return <Result call={call} noun={noun} />;
  const verdict = state === 'cancelled' ? UNKNOWN : verdictOf(error);
  return (
    <Panel title={state === 'cancelled' ? 'Cancelled' : 'No result'}>
      <div className={styles['stack']} role="alert">
        <p>
          <Badge tone={verdict.tone}>{verdict.title}</Badge> {verdict.text}
        </p>
        {error && <p className={styles['text']}>{wordsOf(error)}</p>}
        {error instanceof McpError && <ErrorFacts error={error} />}
      </div>
    </Panel>
  );
}

function verdictOf(error: Error | undefined): Verdict {
  if (error instanceof Declined) return NOT_EXECUTED;
  if (!(error instanceof McpError)) return UNKNOWN;
  const { outcome, isFromGateway, code, httpStatus = 200 } = error;
  if (outcome === 'not_executed') return NOT_EXECUTED;
  if (outcome === 'unknown') return UNKNOWN;
  if (outcome === 'executed') return EXECUTED;
  // A refusal before the call was dispatched needs no statement about it.
  if (isFromGateway || httpStatus >= 400) return NOT_EXECUTED;
  return INVALID_CODES.has(code) ? INVALID : ANSWERED;
}

/** The browser reports a broken connection as a TypeError, with a text that helps nobody. */
const wordsOf = (error: Error): string =>
  error instanceof TypeError ? 'The connection to the gateway broke.' : error.message;

function ErrorFacts({ error }: { readonly error: McpError }) {
  const may = usePermissions();
  const { code, data, requestId, isFromGateway } = error;
  return (
    <>
      <Definitions
        items={{
          Code: code,
          From: isFromGateway ? 'the gateway' : undefined,
          Request: requestId === undefined ? undefined : <Copyable text={requestId} what="the id of the request" />,
          Record:
            requestId !== undefined && may('GET /audit') ? (
              <PageLink to={`/calls?requestId=${encodeURIComponent(requestId)}`}>Show it in the audit log</PageLink>
            ) : undefined,
        }}
      />
      {Object.keys(data).length > 0 && <JsonView label="Data of the error" value={data} />}
    </>
  );
}

function Result({ call, noun }: CallResultProps) {
  const may = usePermissions();
  const { subject } = useSession();
  const { result = {}, tookMs } = call;
  const { content, structuredContent, isError, _meta: meta } = result;
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [];
  const verb = noun === 'tool' ? 'ran' : 'was read';
  const isFailed = isError === true;
  return (
    <Panel title="Result">
      <div className={styles['stack']}>
        <output>
          <Badge tone={isFailed ? 'bad' : 'good'}>{isFailed ? 'failed' : 'executed'}</Badge>{' '}
          {isFailed ? `The ${noun} ${verb} and reports a failure` : `The ${noun} ${verb}`} ({tookMs} ms).{' '}
          {may('GET /audit') && (
            <PageLink to={`/calls?subject=${encodeURIComponent(subject)}`}>Show your calls</PageLink>
          )}
        </output>
        {blocks.map((block, index) => (
          <Content key={index} block={block} />
        ))}
        <PromptMessages messages={objectsOf(result['messages'])} />
        {objectsOf(result['contents']).map((resource, index) => (
          <EmbeddedResource key={index} resource={resource} />
        ))}
        {structuredContent !== undefined && <JsonView label="Structured content" value={structuredContent} />}
        {meta !== undefined && (
          <details>
            <summary>_meta</summary>
            <JsonView label="_meta of the result" value={meta} />
          </details>
        )}
      </div>
    </Panel>
  );
}

/** The messages of a prompt, each with its role. */
function PromptMessages({ messages }: { readonly messages: readonly JsonObject[] }) {
  return messages.map(({ role, content }, index) => (
    <div key={index} className={styles['part']}>
      <Badge tone="neutral">{textOf(role)}</Badge>
      {[content].flat().map((block, place) => (
        <Content key={place} block={block} />
      ))}
    </div>
  ));
}
