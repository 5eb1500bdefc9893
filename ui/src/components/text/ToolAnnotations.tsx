import { isObject } from '../../values/index.js';
import { Badge } from './Badge.js';
import styles from './ToolAnnotations.module.css';

/** What each hint of a tool says about it, if it is true and if it is false. */
const HINTS: Readonly<Record<string, readonly [whenTrue: string, whenFalse: string]>> = {
  readOnlyHint: ['only reads', 'may change something'],
  destructiveHint: ['may delete or overwrite', 'deletes nothing'],
  idempotentHint: ['safe to repeat', 'repeating has a further effect'],
  openWorldHint: ['reaches other systems', 'stays in its own system'],
};

function annotationsOf(definition: unknown): readonly (readonly [string, unknown])[] {
  const annotations = isObject(definition) ? definition['annotations'] : undefined;
  return isObject(annotations) ? Object.entries(annotations) : [];
}

export const hasAnnotations = (definition: unknown): boolean => annotationsOf(definition).length > 0;

/** What a server says about its tool, in words where it has a meaning of its own. */
export function ToolAnnotations({ definition }: { readonly definition: unknown }) {
  const annotations = annotationsOf(definition);
  if (annotations.length === 0) return null;
  return (
    <span className={styles['badges']}>
      {annotations.map(([name, value]) => {
        const text = `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`;
        const words = typeof value === 'boolean' ? HINTS[name] : undefined;
        return (
          <Badge key={name} tone={words ? 'info' : 'neutral'} title={text}>
            {words ? words[value === true ? 0 : 1] : text}
          </Badge>
        );
      })}
    </span>
  );
}
