import { isObject, objectsOf, textOf } from '../../values/index.js';
import styles from './items.module.css';

/** A member of a definition, if it is a text. */
export const memberOf = (definition: unknown, member: string): string | undefined =>
  isObject(definition) ? textOf(definition[member]) || undefined : undefined;

/** The arguments of a prompt. */
export function ArgumentsTable({ members }: { readonly members: readonly unknown[] }) {
  return (
    <table className={styles['arguments']}>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Description</th>
        </tr>
      </thead>
      <tbody>
        {objectsOf(members).map((member, index) => (
          <tr key={index}>
            <td>
              <code>{memberOf(member, 'name')}</code>
              {member['required'] === true && <span className={styles['muted']}> (required)</span>}
            </td>
            <td>{memberOf(member, 'description')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
