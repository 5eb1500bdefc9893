import { useState } from 'react';
import { Button, Field, initialValue, Panel, SchemaForm, TextArea } from '../../components/index.js';
import type { JsonSchema } from '../../api/index.js';
import { Declined } from '../../mcp/index.js';
import { isObject, textOf, type JsonObject } from '../../values/index.js';
import styles from './try.module.css';
import type { OpenQuestion } from './use-call.js';

/** What the server asks during the call. The call continues with the answers. */
export function Questions({ questions }: { readonly questions: readonly OpenQuestion[] }) {
  return questions.map((open) => <OneQuestion key={open.key} open={open} />);
}

function OneQuestion({ open }: { readonly open: OpenQuestion }) {
  const { method, params } = open.question;
  if (method === 'elicitation/create')
    return params['mode'] === 'url' ? <Visit open={open} /> : <FormQuestion open={open} />;
  if (method === 'sampling/createMessage') return <ModelQuestion open={open} />;
  if (method === 'roots/list') return <RootsQuestion open={open} />;
  return (
    <Panel title={`The server sends ${method}`}>
      <Button onClick={() => open.reject(new Declined('This page cannot answer it.'))}>Reject</Button>
    </Panel>
  );
}

interface QuestionProps {
  readonly open: OpenQuestion;
}

const messageOf = ({ question }: OpenQuestion): string => textOf(question.params['message']);

function Refusals({ open }: QuestionProps) {
  return (
    <>
      <Button onClick={() => open.answer({ action: 'decline' })}>Decline</Button>
      <Button variant="plain" onClick={() => open.answer({ action: 'cancel' })}>
        Cancel
      </Button>
    </>
  );
}

function FormQuestion({ open }: QuestionProps) {
  const { requestedSchema } = open.question.params;
  const schema: JsonSchema = isObject(requestedSchema) ? requestedSchema : {};
  const [content, setContent] = useState<unknown>(() => ({
    ...defaultsOf(schema),
    ...asObject(initialValue(schema, schema)),
  }));
  return (
    <Panel title="The server asks">
      <div className={styles['stack']}>
        <p className={styles['text']}>{messageOf(open)}</p>
        <SchemaForm schema={schema} label="Answer" value={content} onChange={setContent} />
        <p className={styles['muted']}>The server gets what you enter. Do not enter passwords or tokens.</p>
        <div className={styles['actions']}>
          <Button variant="primary" onClick={() => open.answer({ action: 'accept', content: content ?? {} })}>
            Answer
          </Button>
          <Refusals open={open} />
        </div>
      </div>
    </Panel>
  );
}

const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {});

function defaultsOf({ properties }: JsonSchema): JsonObject {
  const members = Object.entries(asObject(properties));
  return Object.fromEntries(
    members.flatMap(([name, member]) => (isObject(member) && 'default' in member ? [[name, member['default']]] : [])),
  );
}

/** The address is shown whole before it is opened (specification: elicitation, URL mode). */
function Visit({ open }: QuestionProps) {
  const { url } = open.question.params;
  const target = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  const isWeb = target?.protocol === 'https:' || target?.protocol === 'http:';
  return (
    <Panel title="The server asks you to open an address">
      <div className={styles['stack']}>
        <p className={styles['text']}>{messageOf(open)}</p>
        {target && (
          <p>
            Host: <strong>{target.host}</strong>
          </p>
        )}
        <p>
          {isWeb ? (
            <a href={target.href} target="_blank" rel="noopener noreferrer" className={styles['text']}>
              {String(url)}
            </a>
          ) : (
            <code>{String(url)}</code>
          )}
        </p>
        <div className={styles['actions']}>
          <Button variant="primary" disabled={!isWeb} onClick={() => open.answer({ action: 'accept' })}>
            I agree to open it
          </Button>
          <Refusals open={open} />
        </div>
      </div>
    </Panel>
  );
}

/** Answers in place of a model. */
function ModelQuestion({ open }: QuestionProps) {
  const { messages, systemPrompt, maxTokens } = open.question.params;
  const [text, setText] = useState('');
  const shown: readonly unknown[] = Array.isArray(messages) ? messages : [];
  const answer = () =>
    open.answer({ role: 'assistant', content: { type: 'text', text }, model: 'a person', stopReason: 'endTurn' });
  return (
    <Panel title="The server asks a model">
      <div className={styles['stack']}>
        {typeof systemPrompt === 'string' && <p className={styles['text']}>System: {systemPrompt}</p>}
        {shown.filter(isObject).map(({ role, content }, index) => (
          <p key={index} className={styles['text']}>
            <span className={styles['muted']}>{String(role)}:</span> {promptText(content)}
          </p>
        ))}
        <Field
          label="Reply in place of the model"
          hint={typeof maxTokens === 'number' ? `At most ${maxTokens} tokens.` : undefined}
        >
          {(field) => <TextArea {...field} rows={3} value={text} onChange={({ target }) => setText(target.value)} />}
        </Field>
        <div className={styles['actions']}>
          <Button variant="primary" disabled={text === ''} onClick={answer}>
            Reply
          </Button>
          <Button onClick={() => open.reject(new Declined('The person rejected the request of the server.'))}>
            Reject
          </Button>
        </div>
      </div>
    </Panel>
  );
}

const promptText = (content: unknown): string => {
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [content];
  return blocks
    .map((block) => (isObject(block) && typeof block['text'] === 'string' ? block['text'] : JSON.stringify(block)))
    .join('\n');
};

function RootsQuestion({ open }: QuestionProps) {
  const [text, setText] = useState('');
  const roots = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((uri) => ({ uri }));
  return (
    <Panel title="The server asks for your roots">
      <div className={styles['stack']}>
        <Field label="Roots" hint="One address a line, such as file:///home/ada/project. Empty: none.">
          {(field) => (
            <TextArea
              {...field}
              rows={3}
              spellCheck={false}
              value={text}
              onChange={({ target }) => setText(target.value)}
            />
          )}
        </Field>
        <div className={styles['actions']}>
          <Button variant="primary" onClick={() => open.answer({ roots })}>
            Answer
          </Button>
          <Button onClick={() => open.reject(new Declined('The person rejected the request of the server.'))}>
            Reject
          </Button>
        </div>
      </div>
    </Panel>
  );
}
