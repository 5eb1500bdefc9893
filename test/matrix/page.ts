import { CLIENTS, type ClientKind } from './clients.js';
import { FEATURES } from './features/index.js';
import { Footnotes, markdownTable } from './markdown.js';
import { placesOf } from './places.js';
import { SERVERS } from './servers.js';
import { WORKERS } from './workers.js';

const INTRODUCTION = `# Compatibility

The protocol changed its shape on 2026-07-28. By the
[specification's own table](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#compatibility-matrix)
a client of the modern era fails with a server of the legacy era, and a legacy client fails with a modern server; one over
HTTP+SSE fails at its first request. Isthmus stands between them, and behind it every client works with every server.
[architecture.md](architecture.md) says how.

This page is written by \`npm run docs:compatibility\` from the table in [test/matrix](../test/matrix/README.md), of which
the tests are made too: nothing stands here that was not tried.
`;

const FEATURE_LIST = FEATURES.flatMap(({ features }) => features);

/** The text of docs/compatibility.md. */
export function compatibilityPage(): string {
  const footnotes = new Footnotes();
  const chapters = [overview(), ...alike(footnotes).map((clients) => chapterOf(clients, footnotes))];
  return `${[INTRODUCTION, clientsAndServers(), howToRead(), ...chapters, footnotes.toString()].join('\n')}\n`;
}

function clientsAndServers(): string {
  const clients = CLIENTS.map(({ name, revision, description }) => [name, revision, description]);
  const servers = SERVERS.map(({ slug, era, description }) => [`\`${slug}\``, era, description]);
  return `## Who takes part

Clients are the official SDKs in all the ways that they are used:

${markdownTable([['client', 'revision', 'over'], ...clients])}

Servers are the same reference server, built on the official SDKs too, in all the ways that a server is reached:

${markdownTable([['server', 'era', 'over'], ...servers])}
`;
}

function howToRead(): string {
  const arrangements = WORKERS.map(({ name, description, endpoints }) => {
    const where = endpoints.map((endpoint) => ENDPOINTS[endpoint]).join(', and ');
    return `- **${capitalized(name)}**, at ${where}. ${description}`;
  });
  const places = WORKERS.reduce((sum, workers) => sum + placesOf(workers).length, 0);
  const cells = FEATURE_LIST.length * CLIENTS.length * SERVERS.length;
  const tests = FEATURE_LIST.length * places;
  return `## How to read it

Each row is something that a client does, each column a server. **✓** says that it is done as the protocol means it. A number
leads to a sentence that says what the nature of an era, or of a server, does not allow; what happens instead is tried as
well, and it is never a success that was none.

There are ${count(cells)} cells. Each is tried in these places, and has the same outcome in all of them:

${arrangements.join('\n')}

That makes ${count(tests)} tests, each named after its cell. All of them run with \`npm test\`, for every change; these alone:

\`\`\`sh
npm test -- test/matrix
npm test -- test/matrix -t 'SDK v2, pinned with legacy-http over two workers: fills in a form'
\`\`\`

A JSON-RPC batch is not among the rows: only revision 2025-03-26 had them, and none of these clients sends one.
`;
}

const ENDPOINTS = { transparent: 'the endpoint of one server', default: 'the endpoint of all servers' };

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const count = (number: number) => number.toLocaleString('en-US');

/** How many rows work, for every client with every server. */
function overview(): string {
  const silent = new Footnotes();
  const rows = CLIENTS.map((client) => [
    client.name,
    ...SERVERS.map((_, server) => {
      const works = signsOf(client, silent).filter((row) => row[server] === WORKS).length;
      return `${works} of ${FEATURE_LIST.length}`;
    }),
  ]);
  return `## At a glance

So many rows have a ✓; the others have their sentence.

${markdownTable([['', ...SERVERS.map(({ slug }) => `\`${slug}\``)], ...rows])}
`;
}

const WORKS = '✓';

/** What stands in a client's table: a row per feature, a sign per server. */
function signsOf(clientKind: ClientKind, footnotes: Footnotes): string[][] {
  return FEATURE_LIST.map(({ instead }) =>
    SERVERS.map((serverKind) => {
      const why = instead?.({ clientKind, serverKind })?.why;
      return why === undefined ? WORKS : footnotes.mark(why);
    }),
  );
}

/** Clients whose tables would be the same. */
function alike(footnotes: Footnotes): ClientKind[][] {
  const bySigns = Map.groupBy(CLIENTS, (client) => JSON.stringify(signsOf(client, footnotes)));
  return [...bySigns.values()];
}

function chapterOf(clients: readonly ClientKind[], footnotes: Footnotes): string {
  const [first] = clients;
  const signs = first ? signsOf(first, footnotes) : [];
  const ofFeature = new Map(FEATURE_LIST.map((feature, index) => [feature, signs[index] ?? []]));
  const rows = FEATURES.flatMap(({ title, features }) => [
    [`**${title}**`],
    ...features.map((feature) => [feature.name, ...(ofFeature.get(feature) ?? [])]),
  ]);
  const head = ['the client', ...SERVERS.map(({ slug }) => `\`${slug}\``)];
  return `## ${clients.map(({ name }) => name).join('; ')}

${markdownTable([head, ...rows])}
`;
}
