import { generateServiceProviderMetadata, SAML } from '@node-saml/node-saml'
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

  const thread = new Thread<AnswerQuestion, ReadAnswer>({
    file: threadFile('worker', import.meta.url),
    bounds: LIMITS.thread,
    busy: () => new SluiceError('api.limited', 'too many SAML answers wait'),
    lost: (why) => unsound(`reading it was given up: ${why}`),
  })

  const keyOf = async ({ saml }: IdentityProvider) =>
    saml?.decryption && (await secrets.read(saml.decryption.key)).reveal()

  return {
    async begin({ name, saml }, { relayState, fresh }) {
      const config = {
        idpCert: [...saml!.certificates],
        issuer: entityIdOf(base(), name),
        callbackUrl: acsOf(base(), name),
        entryPoint: saml!.ssoUrl,
        identifierFormat: formatOf(saml!),
        disableRequestedAuthnContext: true,
        forceAuthn: fresh,
        generateUniqueId: () => requestIdOf(relayState),
      }
      return await new SAML(config).getAuthorizeUrlAsync(relayState, undefined, {})
    },
    async finish(provider, { response, fresh, asked }) {
      const { name, saml, scim } = provider
      const { vouched, mark } = await thread.ask({
        provider: { ...(saml && { saml }), ...(scim && { scim }) },
        ...{ response, fresh, now_ms: clock.now_ms(), key: await keyOf(provider) },
        inResponseTo: asked === undefined ? undefined : requestIdOf(asked),
        audience: entityIdOf(base(), name),
        recipient: acsOf(base(), name),
      })
      if (!(await store.usedIds.use(`saml ${saml!.entityId}`, mark.id, mark.expires_ms)))
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
