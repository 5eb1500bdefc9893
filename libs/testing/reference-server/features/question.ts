import type { Json, ObjectSchema, Schema } from './schema.js';

/** A request of the server to its client during a call. */
export type Question =
  | {
      method: 'elicitation/create';
      params:
        | { mode?: 'form'; message: string; requestedSchema: ObjectSchema }
        | { mode: 'url'; message: string; url: string; elicitationId?: string };
    }
  | { method: 'sampling/createMessage'; params: SamplingParams }
  | { method: 'roots/list'; params?: Json };

interface SamplingParams {
  messages: { role: 'user' | 'assistant'; content: { type: 'text'; text: string } }[];
  maxTokens: number;
  tools?: { name: string; description: string; inputSchema: ObjectSchema }[];
  toolChoice?: { mode: 'auto' | 'required' | 'none' };
}

/** The client's result for one question. */
export type Answer = Json;

export interface AskOptions {
  /**
   * Modern era: accept answers only together with the sealed request state. A retry without it receives the questions
   * again.
   */
  sealed?: boolean;
}

export function askForm(message: string, properties: { [name: string]: Schema }): Question {
  return {
    method: 'elicitation/create',
    params: { message, requestedSchema: { type: 'object', properties, required: Object.keys(properties) } },
  };
}

export function askVisit(message: string, url: string): Question {
  return { method: 'elicitation/create', params: { mode: 'url', message, url } };
}

export function askModel(prompt: string, maxTokens = 100): Question {
  return {
    method: 'sampling/createMessage',
    params: { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens },
  };
}

export function askModelWithTools(prompt: string): Question {
  return {
    method: 'sampling/createMessage',
    params: {
      messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
      maxTokens: 100,
      tools: [
        {
          name: 'lookup',
          description: 'Looks a word up',
          inputSchema: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] },
        },
      ],
      toolChoice: { mode: 'auto' },
    },
  };
}

export const askRoots: Question = { method: 'roots/list', params: {} };

/** The client capability that the question requires. */
export function capabilityOf(question: Question): 'elicitation' | 'sampling' | 'roots' {
  if (question.method === 'elicitation/create') return 'elicitation';
  return question.method === 'sampling/createMessage' ? 'sampling' : 'roots';
}

/** Whether an answer has the shape that its question requires. */
export function isAnswerTo(question: Question, answer: unknown): answer is Answer {
  if (typeof answer !== 'object' || answer === null) return false;
  if (question.method === 'elicitation/create') return 'action' in answer && typeof answer.action === 'string';
  if (question.method === 'sampling/createMessage') return 'role' in answer && 'content' in answer;
  return 'roots' in answer && Array.isArray(answer.roots);
}

/** A field of an accepted form, or the action in parentheses when the field is missing. */
export function fieldOf(answer: Answer, field: string): string {
  const content = answer['content'];
  const value = typeof content === 'object' && content !== null ? Object.entries(content) : [];
  const found = value.find(([name]) => name === field)?.[1];
  return found === undefined ? `(${String(answer['action'])})` : String(found);
}

/** The text that the client's model produced. */
export function modelText(answer: Answer): string {
  const blocks = [answer['content']].flat();
  const texts = blocks.map((block) =>
    typeof block === 'object' && block !== null && 'text' in block ? String(block.text) : JSON.stringify(block),
  );
  return texts.join('\n');
}

export function rootUris(answer: Answer): string[] {
  const roots: unknown[] = Array.isArray(answer['roots']) ? answer['roots'] : [];
  return roots.map((root) => (typeof root === 'object' && root !== null && 'uri' in root ? String(root.uri) : '?'));
}
