import { Module } from '@nestjs/common';
import { IsOptional, IsString } from 'class-validator';
import { Guardrail, GuardrailCheck, PASS, type GuardrailSubject, type GuardrailVerdict } from '#lib/extension-kit';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';

class WordOptions {
  /** The word that the guardrail looks for. */
  @IsString() readonly word!: string;
  /** Replaces the word. Absent: a value that contains it is refused. */
  @IsOptional() @IsString() readonly replacement?: string;
}

const ALL = ['arguments', 'results', 'definitions', 'questions'] as const;

/** Refuses or replaces a word. */
@Guardrail('word', { phases: ALL, options: WordOptions })
export class WordCheck extends GuardrailCheck {
  runs = 0;

  override check({ value }: GuardrailSubject, { word, replacement }: WordOptions): GuardrailVerdict {
    this.runs += 1;
    const text = JSON.stringify(value);
    const count = text.split(word).length - 1;
    if (count === 0) return PASS;
    const findings = [{ kind: 'word', count }];
    if (replacement === undefined) return { action: 'refuse', reason: 'it contains a word', findings };
    return { action: 'change', value: replaceIn(value, word, replacement) as JsonObject, findings };
  }
}

function replaceIn(value: JsonValue | undefined, word: string, replacement: string): JsonValue {
  if (typeof value === 'string') return value.replaceAll(word, replacement);
  if (Array.isArray(value)) return value.map((each) => replaceIn(each, word, replacement));
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, replaceIn(each, word, replacement)]));
}

/** Fails, with the value in its message. */
@Guardrail('broken', { phases: ALL })
export class BrokenCheck extends GuardrailCheck {
  override check({ value }: GuardrailSubject): GuardrailVerdict {
    throw new Error(`I dislike ${JSON.stringify(value)}`);
  }
}

/** Asks the caller before the call. */
@Guardrail('asking', { phases: ['arguments'] })
export class AskingCheck extends GuardrailCheck {
  override async check({ call }: GuardrailSubject): Promise<GuardrailVerdict> {
    const answer = await call?.ask({ message: 'May I?' });
    return answer?.action === 'accept' ? PASS : { action: 'refuse', reason: 'you declined', findings: [] };
  }
}

/** An extension with checks for tests. */
@Module({ providers: [WordCheck, BrokenCheck, AskingCheck] })
export class GuardingModule {}
