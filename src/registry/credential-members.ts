/** Members of an entry that may contain credentials. The database stores them encrypted; the admin API masks them. */
export const CREDENTIAL_MEMBERS: ReadonlySet<string> = new Set(['headers', 'env', 'args']);
