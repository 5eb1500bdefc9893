/** The form of a kind of credential. */
export interface SecretRule {
  /** Such as `aws-access-key`. */
  readonly kind: string;
  /**
   * The beginning of a credential, up to a length that makes it one. Every repetition in it is bounded, so that a search takes
   * linear time on any text.
   */
  readonly head: RegExp;
  /** The characters that continue it: all of them are masked, however long the credential is. Default: those of a word and `-`. */
  readonly tail?: RegExp;
}

const WORD = /[\w-]*/y;
/** The characters of base64 and of percent-encoded base64. */
const BASE64 = /[\w+/%=-]*/y;

/** Formats that their issuers publish. Most begin with a text that nothing else begins with. */
export const SECRET_RULES: readonly SecretRule[] = [
  // Amazon, Google, Microsoft
  { kind: 'aws-access-key', head: /(?<![A-Za-z\d])(?:AKIA|ASIA|ABIA|ACCA)[A-Z\d]{16}(?![A-Z\d])/g },
  { kind: 'gcp-api-key', head: /AIza[\w-]{35}/g },
  { kind: 'gcp-access-token', head: /ya29\.[\w-]{20}/g, tail: /[\w.-]*/y },
  { kind: 'gcp-client-secret', head: /GOCSPX-[\w-]{24}/g },
  { kind: 'azure-account-key', head: /(?:AccountKey|SharedAccessKey)=[A-Za-z\d+/%]{40}/g, tail: BASE64 },
  { kind: 'azure-client-secret', head: /(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31}/g, tail: /[\w~.-]*/y },
  { kind: 'azure-sas-signature', head: /[?&;]sig=[A-Za-z\d+/%]{40}/g, tail: BASE64 },
  // Forges and registries
  { kind: 'github-token', head: /gh[oprsu]_[A-Za-z\d]{36}/g },
  { kind: 'github-token', head: /github_pat_\w{36}/g },
  { kind: 'gitlab-token', head: /gl(?:agent|cbt|dt|ft|imt|oas|pat|ptt|rt|soat)-[\w-]{20}/g, tail: /[\w.-]*/y },
  { kind: 'npm-token', head: /npm_[A-Za-z\d]{36}/g },
  { kind: 'pypi-token', head: /pypi-AgE[\w-]{50}/g },
  { kind: 'docker-token', head: /dckr_(?:pat|oat)_[\w-]{24}/g },
  // Services
  { kind: 'slack-token', head: /xox[abeoprs]-[A-Za-z\d-]{10}/g },
  { kind: 'slack-token', head: /xapp-\d-[A-Z\d]{8}/g },
  {
    kind: 'slack-webhook',
    head: /hooks\.slack\.com\/(?:services|triggers|workflows)\/[\w-]{8}/g,
    tail: /[\w/-]*/y,
  },
  { kind: 'stripe-key', head: /(?<![A-Za-z\d])[rs]k_(?:live|test)_[A-Za-z\d]{16}/g },
  { kind: 'webhook-secret', head: /whsec_[A-Za-z\d+/]{24}/g, tail: BASE64 },
  { kind: 'sendgrid-key', head: /SG\.[\w-]{20,24}\.[\w-]{39}/g },
  { kind: 'twilio-key', head: /(?<![A-Za-z\d])SK[a-f\d]{32}(?![A-Za-z\d])/g },
  { kind: 'openai-key', head: /(?<![A-Za-z\d])sk-(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z\d_-]{32}/g },
  { kind: 'anthropic-key', head: /sk-ant-[\w-]{20}/g },
  { kind: 'huggingface-token', head: /(?<![A-Za-z\d])hf_[A-Za-z]{34}/g },
  { kind: 'digitalocean-token', head: /do[oprt]_v1_[a-f\d]{64}/g },
  { kind: 'shopify-token', head: /shp(?:at|ca|pa|ss)_[A-Fa-f\d]{32}/g },
  { kind: 'vault-token', head: /hv[brs]\.[\w-]{24}/g },
  { kind: 'databricks-token', head: /(?<![A-Za-z\d])dapi[a-f\d]{32}/g },
  { kind: 'linear-key', head: /lin_(?:api|oauth)_[A-Za-z\d]{32}/g },
  { kind: 'telegram-token', head: /(?<![\w:])\d{8,10}:AA[\w-]{33}/g },
  { kind: 'age-key', head: /AGE-SECRET-KEY-1[A-Z\d]{58}/g },
  { kind: 'gateway-token', head: /isthmus_pat_[\w-]{16}/g },
  // HTTP
  {
    kind: 'authorization',
    head: /\b(?:[Bb]earer|[Bb]asic|BEARER|BASIC)[ \t]{1,4}[\w.~+/-]{20}/g,
    tail: /[\w.~+/=-]*/y,
  },
];

/** Returns the end of a credential whose head ends at `end`. */
export function endOfTail(text: string, end: number, { tail = WORD }: SecretRule): number {
  tail.lastIndex = end;
  return tail.test(text) ? tail.lastIndex : end;
}
