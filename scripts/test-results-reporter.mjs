/** A reporter for Node's test runner: one line of JSON for each test that ended, with the file that contains it. */
export default async function* reportTestResults(source) {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { file, name, details, skip = false, todo = false } = data;
    const failure = type === 'test:fail' ? String(details.error?.cause?.stack ?? details.error) : undefined;
    yield `${JSON.stringify({ file, name, failure, isSkipped: skip !== false || todo !== false })}\n`;
  }
}
