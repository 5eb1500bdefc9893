import { CLIENTS, type ClientKind } from './clients.js';
import { FEATURES } from './features/index.js';
import { Footnotes, markdownTable } from './markdown.js';
import { listCombinations } from './combinations.js';
import { SERVERS } from './servers.js';
import { WORKERS } from './workers.js';

const INTRODUCTION = `# Compatibility

Revision 2026-07-28 of the protocol is incompatible with all earlier ones. According to the
[specification](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#compatibility-matrix) a client of
the modern era fails with a server of the legacy era, a legacy client fails with a modern server, and a client over HTTP+SSE
fails at its first request. Behind Isthmus every client works with every server.
[architecture.md](architecture.md) describes how.

\`npm run docs:compatibility\` generates this page from the table in [test/matrix](../test/matrix/README.md). The tests are
generated from the same table, so every statement on this page is tested.
`;

const FEATURE_LIST = FEATURES.flatMap(({ features }) => features);

/** The text of docs/compatibility.md. */
export function compatibilityPage(): string {
  const footnotes = new Footnotes();
  const chapters = [overview(), ...groupEqual(footnotes).map((clients) => toChapter(clients, footnotes))];
  return `${[INTRODUCTION, clientsAndServers(), howToRead(), ...chapters, footnotes.toString()].join('\n')}\n`;
}

function clientsAndServers(): string {
  const clients = CLIENTS.map(({ name, revision, description }) => [name, revision, description]);
  const servers = SERVERS.map(({ slug, era, description }) => [`\`${slug}\``, era, description]);
  return `## Clients and servers

The clients are the official SDKs in all their configurations:

${markdownTable([['client', 'revision', 'transport'], ...clients])}

The servers are one reference server, built on the official SDKs, behind every transport and in both eras:

${markdownTable([['server', 'era', 'transport'], ...servers])}
`;
}

function howToRead(): string {
  const arrangements = WORKERS.map(({ name, description, endpoints }) => {
    const endpointNames = endpoints.map((endpoint) => ENDPOINTS[endpoint]).join(' and ');
    return `- **${capitalized(name)}**, at ${endpointNames}. ${description}`;
  });
  const combinations = WORKERS.reduce((sum, workers) => sum + listCombinations(workers).length, 0);
  const cells = FEATURE_LIST.length * CLIENTS.length * SERVERS.length;
  const tests = FEATURE_LIST.length * combinations;
  return `## How to read the tables

Each row is a feature that a client uses, each column a server. **✓** means that the feature works as the protocol defines
it. A number refers to a sentence that states which limitation of an era or of a server prevents the feature. What happens
in that case is tested as well: the gateway never reports a success that did not happen.

There are ${count(cells)} cells. Each is tested in these set-ups, with the same outcome in all of them:

${arrangements.join('\n')}

These are ${count(tests)} tests, each named after its cell. \`npm test\` runs all of them; these commands run some:

\`\`\`sh
npm test -- test/matrix
npm test -- test/matrix -t 'SDK v2, pinned with legacy-http over two workers: fills in a form'
\`\`\`

There is no row for JSON-RPC batches: only revision 2025-03-26 had them, and none of these clients sends one.
`;
}

const ENDPOINTS = { transparent: 'the endpoint of one server', default: 'the endpoint of all servers' };

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const count = (number: number) => number.toLocaleString('en-US');

/** The number of features that work, for every client with every server. */
function overview(): string {
  const unused = new Footnotes();
  const rows = CLIENTS.map((client) => [
    client.name,
    ...SERVERS.map((_, server) => {
      const works = toSigns(client, unused).filter((row) => row[server] === WORKS).length;
      return `${works} of ${FEATURE_LIST.length}`;
    }),
  ]);
  return `## At a glance

The number of features with a ✓. Each of the others has a sentence that explains its limitation.

${markdownTable([['', ...SERVERS.map(({ slug }) => `\`${slug}\``)], ...rows])}
`;
}

const WORKS = '✓';

/** The cells of a client's table: a row per feature, a sign per server. */
function toSigns(clientKind: ClientKind, footnotes: Footnotes): string[][] {
  return FEATURE_LIST.map(({ limitation }) =>
    SERVERS.map((serverKind) => {
      const reason = limitation?.({ clientKind, serverKind })?.reason;
      return reason === undefined ? WORKS : footnotes.mark(reason);
    }),
  );
}

/** Groups the clients whose tables are equal. */
function groupEqual(footnotes: Footnotes): ClientKind[][] {
  const bySigns = Map.groupBy(CLIENTS, (client) => JSON.stringify(toSigns(client, footnotes)));
  return [...bySigns.values()];
}

function toChapter(clients: readonly ClientKind[], footnotes: Footnotes): string {
  const [first] = clients;
  const signs = first ? toSigns(first, footnotes) : [];
  const signsByFeature = new Map(FEATURE_LIST.map((feature, index) => [feature, signs[index] ?? []]));
  const rows = FEATURES.flatMap(({ title, features }) => [
    [`**${title}**`],
    ...features.map((feature) => [feature.name, ...(signsByFeature.get(feature) ?? [])]),
  ]);
  const head = ['the client', ...SERVERS.map(({ slug }) => `\`${slug}\``)];
  return `## ${clients.map(({ name }) => name).join('; ')}

${markdownTable([head, ...rows])}
`;
}
