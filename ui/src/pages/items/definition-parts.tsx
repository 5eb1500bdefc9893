import styles from './items.module.css';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** A member of a definition, if it is a text. */
export function textOf(definition: unknown, member: string): string | undefined {
  const value = isRecord(definition) ? definition[member] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

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
        {members.filter(isRecord).map((member, index) => (
          <tr key={index}>
            <td>
              <code>{textOf(member, 'name')}</code>
              {member['required'] === true && <span className={styles['muted']}> (required)</span>}
            </td>
            <td>{textOf(member, 'description')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
