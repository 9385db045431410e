import { generateServiceProviderMetadata, SAML, type SamlConfig, ValidateInResponseTo } from '@node-saml/node-saml'
import { decryptXml } from '@node-saml/node-saml/lib/xml.js'
import type { Clock } from '../../kit/clock.ts'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { SecretPort } from '../../model/ports.ts'
import type { IdentityProvider, SamlSettings } from '../../model/provider.ts'
import type { Store } from '../../store/store.ts'
import type { Vouched } from '../vouched.ts'
import { readAssertion } from './assertion.ts'
import { childrenNamed, isNamed, NS, onlyChild, parseXml, unsound, type XmlElement } from './dom.ts'
import { checkAssertionForm, checkResponseForm } from './form.ts'
import { LIMITS } from './limits.ts'

export interface SamlOptions {
  readonly store: Pick<Store, 'usedIds'>
  readonly secrets: Pick<SecretPort, 'read'>
  readonly clock: Clock
  readonly base: () => string
}

/** SAML 2.0 as a service provider: AuthnRequest by redirect, answers by post. */
export interface Saml {
  /** Where the browser is sent. */
  begin(provider: IdentityProvider, wish: { readonly relayState: string; readonly fresh: boolean }): Promise<string>
  /** Reads an answer. `asked` is the RelayState it was asked with; undefined for an answer nobody asked for. Throws `signin.answer`, `signin.groups`. */
  finish(
    provider: IdentityProvider,
    answer: { readonly response: string; readonly fresh: boolean; readonly asked: string | undefined },
  ): Promise<Vouched>
  /** What the provider's administrator is given. */
  metadata(provider: IdentityProvider): Promise<string>
}

/** Our own entity id at a provider: each knows us by another, so that an assertion for one is for no other. */
export const entityIdOf = (base: string, provider: string) => `${base}/sign-in/${provider}/metadata`
const acsOf = (base: string, provider: string) => `${base}/sign-in/${provider}/acs`

/** The id of our AuthnRequest. It follows from the state, so that InResponseTo is good once: as often as the state is. */
export const requestIdOf = (relayState: string) => `_${sha256(`saml\0${relayState}`).slice(0, 40)}`

export function createSaml(options: SamlOptions): Saml {
  const { store, secrets, clock, base } = options

  async function configOf({ name, saml }: IdentityProvider, asked: string | undefined): Promise<SamlConfig> {
    const key = saml!.decryption && (await secrets.read(saml!.decryption.key)).reveal()
    const id = asked === undefined ? '' : requestIdOf(asked)
    return {
      idpCert: [...saml!.certificates],
      issuer: entityIdOf(base(), name),
      audience: entityIdOf(base(), name),
      callbackUrl: acsOf(base(), name),
      entryPoint: saml!.ssoUrl,
      idpIssuer: saml!.entityId,
      identifierFormat: formatOf(saml!),
      disableRequestedAuthnContext: true,
      wantAssertionsSigned: true,
      wantAuthnResponseSigned: false,
      acceptedClockSkewMs: LIMITS.skew_ms,
      maxAssertionAgeMs: LIMITS.assertion_ms,
      validateInResponseTo: asked === undefined ? ValidateInResponseTo.never : ValidateInResponseTo.always,
      requestIdExpirationPeriodMs: LIMITS.assertion_ms,
      generateUniqueId: () => id,
      // The store has taken the state away already: here only its own request is known.
      cacheProvider: {
        saveAsync: async () => null,
        getAsync: async (key) => (key === id && id !== '' ? new Date(clock.now_ms()).toISOString() : null),
        removeAsync: async (key) => key,
      },
      ...(key !== undefined && { decryptionPvk: key }),
    }
  }

  return {
    async begin(provider, { relayState, fresh }) {
      const config = { ...(await configOf(provider, relayState)), forceAuthn: fresh }
      return await new SAML(config).getAuthorizeUrlAsync(relayState, undefined, {})
    },
    async finish(provider, { response, fresh, asked }) {
      const config = await configOf(provider, asked)
      const inResponseTo = asked === undefined ? undefined : requestIdOf(asked)
      await checkMessage(decoded(response), { acs: config.callbackUrl, inResponseTo, key: config.decryptionPvk })
      const assertion = await parseXml(await verified(config, response))
      const { vouched, mark } = readAssertion(checkSigned(assertion), {
        ...{ provider, fresh, inResponseTo, now_ms: clock.now_ms() },
        audience: config.issuer,
        recipient: config.callbackUrl,
      })
      if (!(await store.usedIds.use(`saml ${provider.saml!.entityId}`, mark.id, mark.expires_ms)))
        throw unsound('the assertion was used before')
      return vouched
    },
    async metadata({ name, saml }) {
      const decryptionCert = saml?.decryption?.certificate
      return generateServiceProviderMetadata({
        issuer: entityIdOf(base(), name),
        callbackUrl: acsOf(base(), name),
        wantAssertionsSigned: true,
        identifierFormat: saml ? formatOf(saml) : null,
        ...(decryptionCert &&
          saml?.decryption && { decryptionCert, decryptionPvk: (await secrets.read(saml.decryption.key)).reveal() }),
      })
    },
  }
}

/** A name that stays, unless an attribute is the subject. */
const formatOf = ({ subject }: SamlSettings) =>
  subject === undefined ? 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' : null

/** The message's text. Throws `signin.answer` for what is not base64 of UTF-8. */
function decoded(response: string): string {
  const plain = response.replaceAll(/\s/g, '')
  if (plain === '' || plain.length > LIMITS.xml_chars * 1.4 || !/^[A-Za-z0-9+/]+={0,2}$/.test(plain))
    throw unsound('it is not base64')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(plain, 'base64'))
  } catch (cause) {
    throw unsound('it is not UTF-8', cause)
  }
}

interface Envelope {
  readonly acs: string
  readonly inResponseTo: string | undefined
  readonly key: string | Buffer | undefined
}

/** The envelope of an answer, before any signature is looked at: its form, where it was meant to go, and what it answers. */
async function checkMessage(xml: string, { acs, inResponseTo, key }: Envelope): Promise<void> {
  const root = await parseXml(xml)
  const status = isNamed(root, NS.protocol, 'Response') ? statusOf(root) : ''
  if (status !== '' && status !== 'urn:oasis:names:tc:SAML:2.0:status:Success')
    throw new SluiceError('signin.provider', `it answered ${status.slice(0, 200)}`)
  const assertion = checkResponseForm(root)
  const destination = root.getAttribute('Destination')
  if (destination && destination !== acs) throw unsound('it was sent to another address')
  if ((root.getAttribute('InResponseTo') || undefined) !== inResponseTo)
    throw unsound('InResponseTo is not our request')
  if (assertion.localName !== 'EncryptedAssertion') return
  if (key === undefined) throw unsound('it is encrypted, and there is no key')
  const clear = await decryptXml(assertion.toString(), key).catch((cause: unknown) => {
    throw unsound('it does not decrypt', cause)
  })
  checkAssertionForm(await parseXml(clear))
}

function statusOf(root: XmlElement): string {
  const [status] = childrenNamed(root, NS.protocol, 'Status')
  return status ? (onlyChild(status, NS.protocol, 'StatusCode').getAttribute('Value') ?? '') : 'none'
}

/** The bytes of the assertion that a signature of the provider's certificates covers. */
async function verified(config: SamlConfig, response: string): Promise<string> {
  try {
    const { profile } = await new SAML(config).validatePostResponseAsync({
      SAMLResponse: response.replaceAll(/\s/g, ''),
    })
    const xml = profile?.getAssertionXml?.()
    if (!xml) throw new Error('no assertion')
    return xml
  } catch (cause) {
    throw unsound(`it does not verify: ${cause instanceof Error ? cause.message.slice(0, 200) : ''}`, cause)
  }
}

function checkSigned(assertion: XmlElement): XmlElement {
  if (!isNamed(assertion, NS.assertion, 'Assertion')) throw unsound('what is signed is not an assertion')
  return assertion
}
