import { toCompatible, WORK_PER_CANDIDATE, workOfSearch, type TextWork } from '#lib/extension-kit';

/** What addresses a model rather than a reader. Gaps are bounded, so a search takes linear time. */
interface Phrase {
  readonly kind: string;
  readonly form: RegExp;
}

/** Phrases for which a result or a definition has no use. They are searched in lower case; spaces, quotes and underscores are one space. */
const PHRASES: readonly Phrase[] = [
  {
    kind: 'override',
    form: /\b(?:ignore|disregard|forget|override|bypass)\b[^.!?]{0,40}\b(?:previous|prior|above|preceding|earlier|existing|system|original|all|any|your)\b[^.!?]{0,20}\b(?:instruction|prompt|rule|guideline|direction|command|context|message|polic)/,
  },
  {
    kind: 'override',
    form: /\bignor(?:ier|e)[^.!?]{0,30}\b(?:vorherigen|bisherigen|obigen)[^.!?]{0,10}\b(?:anweisung|instruktion|regel)/,
  },
  {
    kind: 'override',
    form: /\b(?:ignore|oublie)[sz]?\b[^.!?]{0,30}\b(?:instructions|consignes) (?:précédentes|ci-dessus)/,
  },
  { kind: 'override', form: /\bignor[ae]\b[^.!?]{0,30}\binstrucciones (?:anteriores|previas)/ },
  {
    kind: 'new-instructions',
    form: /\b(?:new|updated|real|actual|important) (?:system )?instructions?(?: for (?:you|the (?:ai|assistant|model|agent)))? ?:/,
  },
  {
    kind: 'new-instructions',
    form: /\b(?:you are|act as|pretend to be|behave as)\b[^.!?]{0,20}\b(?:dan|jailbroken|developer mode|unrestricted|a different (?:ai|assistant))\b/,
  },
  {
    kind: 'new-instructions',
    form: /\b(?:from now on|starting now),? (?:you|always|never|every)\b[^.!?]{0,40}\b(?:must|will|shall|respond|reply|answer|call|use|send|include)\b/,
  },
  {
    kind: 'secrecy',
    form: /\b(?:do not|don't|never|without)\b[^.!?]{0,20}\b(?:tell|telling|mention|mentioning|inform|informing|reveal|revealing|alert|alerting|notify|notifying|ask|asking|show|showing)\b[^.!?]{0,20}\b(?:user|human|operator|person)\b/,
  },
  {
    kind: 'exfiltration',
    form: /\b(?:send|post|upload|forward|email|append|include|pass|leak|exfiltrate|transmit)\b(?:[^.!?]|\.(?=\S)){0,60}\b(?:conversation|chat history|system prompt|api keys?|credentials?|passwords?|secrets?|tokens?|private keys?|ssh keys?|environment variables?|\.env|id rsa|mcp\.json)\b(?:[^.!?]|\.(?=\S)){0,60}\b(?:to|as|in|into|via|at)\b/,
  },
  {
    kind: 'exfiltration',
    form: /\b(?:reveal|print|repeat|output|show|disclose)\b[^.!?]{0,20}\b(?:your|the) (?:system|initial|hidden|developer) (?:prompt|instructions?|message)/,
  },
  {
    kind: 'tool-steering',
    form: /\b(?:before|after|instead of|prior to|when) (?:using|calling|invoking|running|executing)\b[^.!?]{0,20}\b(?:this|any|other|another|every|all) (?:other )?tools?\b[^.!?]{0,60}\b(?:must|always|first|read|call|use|send|include|pass)\b/,
  },
  {
    kind: 'tool-steering',
    form: /\byou (?:must|should|need to|have to)\b[^.!?]{0,20}\b(?:always |first |also )(?:call|use|invoke|run|execute|read)\b[^.!?]{0,60}\b(?:tool|file|~\/|\/etc\/|\.ssh)/,
  },
  {
    kind: 'role-marker',
    form: /<\|(?:im start|im end|system|user|assistant|endoftext|start header id|eot id)\|>|\[\/?inst\]|<<\/?sys>>/,
  },
  {
    kind: 'role-marker',
    form: /<\/?(?:system|system[- ]prompt|system[- ]message|important|instructions?|assistant|secret|hidden)>/,
  },
];

/** A comment of HTML or Markdown, which a page does not show. */
const COMMENT_BEGIN = '<!--';
const COMMENT_END = '-->';
/** Words in a comment that address a model. Comments of pages rarely contain them. */
const COMMENT_WORDS = /\b(?:assistant|ai agent|ai model|llm|language model|chatbot|instructions?|prompt|tool call)\b/;
const MAX_COMMENT_LENGTH = 10_000;

/** What separates words, except a single space. */
const SEPARATORS = /[\s*_`"]{2,}|[^\S ]|[*_`"]/g;

/** Time per character of one phrase, and of the conversion to a form in which phrases are searched. */
const COST_OF_PHRASE = 1 / 4;
const COST_OF_FORM = 1;

/** Finds the kinds of phrases in a text, once each. The text has no hidden characters. */
export function* findPhrases(text: string): TextWork<readonly string[]> {
  yield workOfSearch(text, COST_OF_FORM);
  const plain = toCompatible(text).toLowerCase().replaceAll(SEPARATORS, ' ');
  const kinds = new Set<string>();
  for (const { kind, form } of PHRASES) {
    yield workOfSearch(plain, COST_OF_PHRASE);
    if (form.test(plain)) kinds.add(kind);
  }
  if (yield* addressesModelInComment(plain)) kinds.add('hidden-comment');
  return [...kinds];
}

function* addressesModelInComment(text: string): TextWork<boolean> {
  for (let start = text.indexOf(COMMENT_BEGIN); start >= 0; start = text.indexOf(COMMENT_BEGIN, start)) {
    yield WORK_PER_CANDIDATE;
    const end = text.indexOf(COMMENT_END, start);
    const stop = end < 0 ? text.length : end;
    if (COMMENT_WORDS.test(text.slice(start, Math.min(stop, start + MAX_COMMENT_LENGTH)))) return true;
    start = stop;
  }
  return false;
}
