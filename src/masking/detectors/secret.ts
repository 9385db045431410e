import { KEY_END } from '../limits.ts'
import { SIGNS } from '../prefilter.ts'
import { type Detector, eachMatch, type Report } from './detector.ts'

/** label, a string every match contains, pattern. Prefixes and lengths as the providers document them; upper bounds keep the search linear. */
const PATTERNS: readonly (readonly [string, string, RegExp])[] = [
  ['secret.aws', 'A', /(?<!\w)(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?!\w)/g],
  ['secret.gcp', 'AIza', /(?<![\w-])AIza[\w-]{35}(?![\w-])/g],
  ['secret.gcp', 'GOCSPX-', /(?<![\w-])GOCSPX-[\w-]{28}(?![\w-])/g],
  ['secret.gcp', 'ya29.', /(?<!\w)ya29\.[\w-]{20,2048}/g],
  ['secret.azure', 'Q~', /(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])/g],
  ['secret.github', '_', /(?<!\w)gh[pousr]_[A-Za-z0-9]{36,255}/g],
  ['secret.github', 'github_pat_', /(?<!\w)github_pat_\w{40,255}/g],
  ['secret.gitlab', 'gl', /(?<![\w-])gl(?:pat|ptt|dt|rt|oas|cbt|ft|imt|agent|soat)-[\w-]{20,255}/g],
  ['secret.slack', 'xox', /(?<![\w-])xox[abeprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,255}/g],
  ['secret.slack', 'xapp-', /(?<![\w-])xapp-\d-[A-Za-z0-9-]{10,255}/g],
  ['secret.slack', 'hooks.slack.com/', /hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/]{20,255}/g],
  ['secret.stripe', '_', /(?<!\w)(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,255}/g],
  ['secret.stripe', 'whsec_', /(?<!\w)whsec_[A-Za-z0-9+/]{24,255}={0,2}/g],
  ['secret.anthropic', 'sk-ant-', /(?<![\w-])sk-ant-[\w-]{20,255}/g],
  ['secret.openai', 'sk-', /(?<![\w-])sk-(?!ant-)(?:(?:proj|svcacct|admin)-[\w-]{20,255}|[A-Za-z0-9]{20,255})/g],
  ['secret.sluice', 'slu_', /(?<!\w)slu_[A-Za-z0-9_-]{16,255}/g],
  ['secret.npm', 'npm_', /(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)/g],
  ['secret.pypi', 'pypi-', /(?<![\w-])pypi-[\w-]{50,255}/g],
  ['secret.sendgrid', 'SG.', /(?<![\w.])SG\.[\w-]{22}\.[\w-]{43}(?![\w-])/g],
  ['secret.huggingface', 'hf_', /(?<!\w)hf_[A-Za-z0-9]{30,64}(?!\w)/g],
  ['secret.digitalocean', '_v1_', /(?<!\w)do[oprt]_v1_[a-f0-9]{64}(?!\w)/g],
  ['secret.databricks', 'dapi', /(?<!\w)dapi[a-f0-9]{32}(?:-\d)?(?!\w)/g],
  // Header and payload of a token are JSON objects, so their base64 begins with eyJ. An encrypted token has five parts.
  [
    'secret.token',
    'eyJ',
    /(?<![\w-])eyJ[\w-]{8,4096}\.(?:eyJ[\w-]{5,8192}\.[\w-]{0,2048}|[\w-]{0,2048}\.[\w-]{8,256}\.[\w-]{8,8192}\.[\w-]{16,64})/g,
  ],
]

/** A keyword and the value after it; only the value, group 1, is the secret. */
const NAMED: readonly (readonly [string, RegExp, RegExp])[] = [
  [
    'secret.aws',
    /secret/i,
    /(?:aws_?)?secret_?(?:access_?)?key["']?[ \t]{0,4}[:=][ \t]{0,4}["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/dgi,
  ],
  ['secret.azure', /Key=/i, /(?:Account|SharedAccess|AccessKey)Key=([A-Za-z0-9+/]{40,88}={0,2})/dgi],
  ['secret.azure', /[?&]sig=/i, /[?&]sig=([A-Za-z0-9%+/]{40,128}={0,2})/dgi],
  ['secret.password', /:\/\//, /(?<!\w)[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/"'<>]{0,128}:([^\s@/"'<>]{1,256})@/dgi],
]

/** One search for what any of the patterns begins with: most texts end here. */
const PREFIX =
  /AKIA|ASIA|ABIA|ACCA|AIza|GOCSPX-|ya29\.|\dQ~|gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox|xapp-|hooks\.slack|[rs]k_(?:live|test)|whsec_|sk-|slu_|npm_|pypi-|SG\.|hf_|do[oprt]_v1|dapi|eyJ/

const KEY_START = /-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----/g
const KEY_BODY = /[A-Za-z0-9+/=\s:,.\\-]/

const keyDetector: Detector = {
  label: 'secret.key',
  kind: 'secret',
  needs: SIGNS.run,
  find(text, report) {
    if (!text.includes('PRIVATE KEY')) return
    let done = 0
    eachMatch(KEY_START, text, (match) => {
      if (match.index < done) return
      done = keyEnd(text, match.index + match[0].length)
      report(match.index, done)
    })
  },
}

/** Where the block that began before `from` ends: after its END line, or where its characters stop. However long it is: a bound would show the rest. */
export function keyEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && KEY_BODY.test(text[at]!)) {
    if (text[at] === '-' && text.startsWith('-----END ', at)) {
      const close = text.indexOf('-----', at + 9)
      if (close < 0 && text.length - at < KEY_END) return text.length
      return close > 0 && close - at <= 64 ? close + 5 : at + 9
    }
    at++
  }
  return at
}

/**
 * Where the private key begins that the text leaves open: it reaches the text's end, and might go on. Keys that end on the
 * line where the next one begins count as one. -1 when there is none. For readers that get the text in pieces.
 */
export function openKeyStart(text: string): number {
  if (!text.includes('PRIVATE KEY')) return -1
  let open = -1
  let first = 0
  let done = 0
  eachMatch(KEY_START, text, (match) => {
    if (match.index < done) return
    if (done === 0 || text.slice(done, match.index).includes('\n')) first = match.index
    done = keyEnd(text, match.index + match[0].length)
    if (done === text.length && !closesKey(text)) open = first
  })
  return open
}

/** The text ends with an END line, whole. */
export function closesKey(text: string): boolean {
  return /-----END [^\n]{0,64}-----$/.test(text.slice(-KEY_END))
}

function namedDetector(label: string, gate: RegExp, pattern: RegExp): Detector {
  return {
    label,
    kind: 'secret',
    // A password may be short; its URL has an @ behind it.
    needs: SIGNS.run | SIGNS.at,
    find(text: string, report: Report) {
      if (!gate.test(text)) return
      eachMatch(pattern, text, (match) => {
        const [start, end] = match.indices![1]!
        report(start, end)
      })
    },
  }
}

const LABELS = [...new Set(PATTERNS.map(([label]) => label))]

/** Every pattern of one label. */
function prefixDetector(label: string): Detector {
  const patterns = PATTERNS.filter((pattern) => pattern[0] === label)
  return {
    label,
    kind: 'secret',
    needs: SIGNS.run,
    find(text, report) {
      for (const [, gate, regexp] of patterns) {
        if (!text.includes(gate)) continue
        eachMatch(regexp, text, (match) => report(match.index, match.index + match[0].length))
      }
    },
  }
}

/** True when a text may hold a secret that begins with a provider's prefix. */
export function hasSecretPrefix(text: string): boolean {
  return PREFIX.test(text)
}

/** Secrets known by their prefix; asked only when {@link hasSecretPrefix}. */
export const prefixDetectors: readonly Detector[] = LABELS.map(prefixDetector)

/** Secrets beside a keyword, passwords in URLs, private keys. */
export const namedDetectors: readonly Detector[] = [
  ...NAMED.map(([label, gate, pattern]) => namedDetector(label, gate, pattern)),
  keyDetector,
]
