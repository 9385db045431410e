import { randomBytes } from 'node:crypto'
import { generateServiceProviderMetadata, SAML, type SamlConfig } from '@node-saml/node-saml'
import type { Clock } from '../../kit/clock.ts'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import { Thread, threadFile } from '../../kit/thread.ts'
import type { SecretPort } from '../../model/ports.ts'
import type { IdentityProvider, SamlSettings } from '../../model/provider.ts'
import type { Store } from '../../store/store.ts'
import type { Vouched } from '../vouched.ts'
import type { AnswerQuestion, ReadAnswer } from './answer.ts'
import { unsound } from './dom.ts'
import { LIMITS } from './limits.ts'
import type { LogoutMessage, LogoutQuestion, LogoutRequest } from './logout.ts'
import type { NameId } from './name-id.ts'

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
  /** Reads the provider's request to end sessions, which is good once. Throws `signin.answer`. */
  logoutRequest(provider: IdentityProvider, message: LogoutMessage): Promise<LogoutRequest>
  /** Where the browser is sent to answer it; undefined where the provider names no place. */
  logoutAnswer(
    provider: IdentityProvider,
    answer: { readonly request: string; readonly relayState: string | undefined },
  ): Promise<string | undefined>
  /** Where the browser is sent so that the provider ends its own session; undefined where it names no place. */
  endSession(
    provider: IdentityProvider,
    session: { readonly nameId: NameId; readonly sid: string },
  ): Promise<string | undefined>
  /** What the provider's administrator is given. */
  metadata(provider: IdentityProvider): Promise<string>
}

/** Our own entity id at a provider: each knows us by another, so that an assertion for one is for no other. */
export const entityIdOf = (base: string, provider: string) => `${base}/sign-in/${provider}/metadata`
/** Where we take a provider's requests to log out, and its answers to ours. */
const sloOf = (base: string, provider: string) => `${base}/sign-in/${provider}/slo`
const acsOf = (base: string, provider: string) => `${base}/sign-in/${provider}/acs`

/** The id of our AuthnRequest. It follows from the state, so that InResponseTo is good once: as often as the state is. */
export const requestIdOf = (relayState: string) => `_${sha256(`saml\0${relayState}`).slice(0, 40)}`

export function createSaml(options: SamlOptions): Saml {
  const { store, secrets, clock, base } = options

  const thread = new Thread<AnswerQuestion | LogoutQuestion, ReadAnswer | LogoutRequest>({
    file: threadFile('worker', import.meta.url),
    bounds: LIMITS.thread,
    busy: () => new SluiceError('api.busy', 'too many SAML answers wait'),
    lost: (why) => unsound(`reading it was given up: ${why}`),
  })

  const configOf = (provider: IdentityProvider, id: string) => messageConfig(options, provider, id)

  return {
    async begin(provider, { relayState, fresh }) {
      const config = { ...(await configOf(provider, requestIdOf(relayState))), forceAuthn: fresh }
      return await new SAML(config).getAuthorizeUrlAsync(relayState, undefined, {})
    },
    async finish(provider, { response, fresh, asked }) {
      const { name, saml, scim, claims } = provider
      const { vouched, mark } = (await thread.ask({
        provider: { ...(saml && { saml }), ...(scim && { scim }), ...(claims && { claims }) },
        ...{ response, fresh, now_ms: clock.now_ms(), key: await keyOf(secrets, provider) },
        inResponseTo: asked === undefined ? undefined : requestIdOf(asked),
        audience: entityIdOf(base(), name),
        recipient: acsOf(base(), name),
      })) as ReadAnswer
      if (!(await store.usedIds.use(`saml ${saml!.entityId}`, mark.id, mark.expires_ms)))
        throw unsound('the assertion was used before')
      return vouched
    },
    async logoutRequest({ name, saml }, message) {
      const recipient = sloOf(base(), name)
      const asked = { provider: { saml: saml! }, message, recipient, now_ms: clock.now_ms() }
      const request = (await thread.ask(asked)) as LogoutRequest
      if (!(await store.usedIds.use(`saml logout ${saml!.entityId}`, request.id, request.expires_ms)))
        throw unsound('the request was used before')
      return request
    },
    async logoutAnswer(provider, { request, relayState = '' }) {
      if (provider.saml?.sloUrl === undefined) return undefined
      const ours = new SAML(await configOf(provider, newId()))
      const done = { ID: request, issuer: '', nameID: '', nameIDFormat: '' }
      return await ours.getLogoutResponseUrlAsync(done, relayState, {}, true)
    },
    async endSession(provider, { nameId, sid }) {
      if (provider.saml?.sloUrl === undefined) return undefined
      const { value: nameID, format: nameIDFormat, qualifier, spQualifier } = nameId
      const profile = {
        ...{ issuer: provider.saml.entityId, nameID, nameIDFormat, sessionIndex: sid },
        ...(qualifier && { nameQualifier: qualifier }),
        ...(spQualifier && { spNameQualifier: spQualifier }),
      }
      return await new SAML(await configOf(provider, newId())).getLogoutUrlAsync(profile, '', {})
    },
    metadata: (provider) => metadataOf(options, provider),
  }
}

const newId = () => `_${randomBytes(20).toString('hex')}`

/** What the library needs for messages of ours. */
async function messageConfig(
  { base, secrets }: SamlOptions,
  { name, saml }: IdentityProvider,
  id: string,
): Promise<SamlConfig> {
  const { certificates, ssoUrl, sloUrl, signing } = saml!
  return {
    idpCert: [...certificates],
    issuer: entityIdOf(base(), name),
    callbackUrl: acsOf(base(), name),
    entryPoint: ssoUrl,
    ...(sloUrl !== undefined && { logoutUrl: sloUrl }),
    identifierFormat: formatOf(saml!),
    disableRequestedAuthnContext: true,
    generateUniqueId: () => id,
    ...(signing && { privateKey: (await secrets.read(signing.key)).reveal(), signatureAlgorithm: 'sha256' }),
  }
}

const keyOf = async (secrets: SamlOptions['secrets'], { saml }: IdentityProvider) =>
  saml?.decryption && (await secrets.read(saml.decryption.key)).reveal()

async function metadataOf(options: SamlOptions, provider: IdentityProvider): Promise<string> {
  const { decryption, signing } = provider.saml!
  const { issuer, callbackUrl, privateKey } = await messageConfig(options, provider, newId())
  const decryptionPvk = await keyOf(options.secrets, provider)
  const xml = generateServiceProviderMetadata({
    ...{ issuer, callbackUrl, wantAssertionsSigned: true, generateUniqueId: newId },
    identifierFormat: formatOf(provider.saml!),
    logoutCallbackUrl: sloOf(options.base(), provider.name),
    ...(signing && privateKey !== undefined && { privateKey, publicCerts: signing.certificate }),
    ...(decryption && decryptionPvk !== undefined && { decryptionCert: decryption.certificate, decryptionPvk }),
  })
  // The library names one binding; both lead here.
  return xml.replace(/ *<SingleLogoutService [^>]*>\n/, (post) => post.replace('HTTP-POST', 'HTTP-Redirect') + post)
}

/** A name that stays, unless an attribute is the subject. */
const formatOf = ({ subject }: SamlSettings) =>
  subject === undefined ? 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' : null
