import { SluiceError } from '../../kit/errors.ts'
import type { IdentityProvider } from '../../model/provider.ts'
import type { Vouched } from '../vouched.ts'

/** SAML 2.0 as a service provider. */
export interface Saml {
  begin(provider: IdentityProvider, wish: { readonly relayState: string; readonly fresh: boolean }): Promise<string>
  finish(
    provider: IdentityProvider,
    answer: { readonly response: string; readonly fresh: boolean; readonly asked: string | undefined },
  ): Promise<Vouched>
}

export function createSaml(): Saml {
  const no = async () => {
    throw new SluiceError('signin.provider', 'SAML')
  }
  return { begin: no, finish: no }
}
