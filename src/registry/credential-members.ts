/** Members of an entry in which credentials stand: whoever reads the database or the admin API sees nothing of them. */
export const CREDENTIAL_MEMBERS: ReadonlySet<string> = new Set(['headers', 'env', 'args']);
