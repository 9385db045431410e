import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ended, spawnMortal } from './child.ts'
import { freePort } from './port.ts'
import { samlKey } from './saml.ts'
import { tempFolder } from './temp.ts'
import { until } from './until.ts'

const WWW = '/usr/share/simplesamlphp/www'

/** Whether Debian's package is here. */
export const hasSimpleSamlPhp = existsSync(WWW) && existsSync('/usr/bin/php')

/** SimpleSAMLphp as an identity provider of one user: ada, password `pw`. */
export interface SimpleSamlPhp extends AsyncDisposable {
  readonly url: string
  /** Gives it a service provider's metadata; `encrypt` makes it encrypt assertions to the key in there. */
  know(metadata: string, options?: { encrypt?: boolean }): void
  /** Its own metadata, as it publishes it. */
  metadata(): Promise<string>
}

export async function startSimpleSamlPhp(): Promise<SimpleSamlPhp> {
  const folder = tempFolder('simplesaml')
  const at = (...names: string[]) => join(folder.path, ...names)
  for (const name of ['metadata', 'cert', 'log', 'data', 'tmp']) mkdirSync(at(name))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { key, certificate } = await samlKey('/CN=simplesamlphp')
  writeFileSync(at('cert', 'idp.key'), key)
  writeFileSync(at('cert', 'idp.crt'), certificate)
  writeFileSync(at('config.php'), CONFIG.replaceAll('FOLDER', folder.path).replaceAll('URL', url))
  writeFileSync(at('authsources.php'), AUTH)
  writeFileSync(at('metadata', 'saml20-idp-hosted.php'), HOSTED)
  writeFileSync(at('metadata', 'saml20-sp-remote.php'), '<?php\n')
  const env = { PATH: process.env.PATH ?? '', SIMPLESAMLPHP_CONFIG_DIR: folder.path }
  const child = spawnMortal(['php', '-d', 'opcache.enable=0', '-S', `127.0.0.1:${port}`, '-t', WWW], {
    env,
    stdio: 'ignore',
  })
  const metadata = async () => {
    const response = await fetch(`${url}/saml2/idp/metadata.php`)
    const text = await response.text()
    if (!response.ok) throw new Error(text.replaceAll(/<[^>]*>/g, '').slice(0, 2_000))
    return text
  }
  await until(() =>
    fetch(url, { redirect: 'manual' }).then(
      () => true,
      () => false,
    ),
  )
  return {
    url,
    metadata,
    know(xml, { encrypt = false } = {}) {
      writeFileSync(at('sp.xml'), xml)
      writeFileSync(
        at('metadata', 'saml20-sp-remote.php'),
        REMOTE.replaceAll('FOLDER', folder.path).replace('ENCRYPT', String(encrypt)),
      )
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended(child)
      folder.remove()
    },
  }
}

const CONFIG = `<?php
require '/etc/simplesamlphp/config.php';
$config = array_merge($config, [
  'baseurlpath' => 'URL/', 'certdir' => 'FOLDER/cert/', 'loggingdir' => 'FOLDER/log/', 'datadir' => 'FOLDER/data/', 'tempdir' => 'FOLDER/tmp',
  'metadatadir' => 'FOLDER/metadata/', 'secretsalt' => 'of-this-test-only', 'auth.adminpassword' => 'of-this-test-only', 'timezone' => 'UTC',
  'enable.saml20-idp' => true, 'logging.handler' => 'file', 'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
  'session.cookie.secure' => false, 'session.cookie.samesite' => null, 'language.cookie.secure' => false, 'language.cookie.samesite' => null,
  'session.phpsession.savepath' => 'FOLDER/tmp', 'admin.checkforupdates' => false,
  'metadata.sources' => [['type' => 'flatfile', 'directory' => 'FOLDER/metadata/']],
]);
`
const AUTH = `<?php
$config = ['example' => ['exampleauth:UserPass', 'ada:pw' => ['uid' => ['ada.l'], 'displayName' => ['Ada Lovelace'], 'mail' => ['ada@idp.test'], 'groups' => ['platform-dba', 'others']]]];
`
const HOSTED = `<?php
$metadata['__DYNAMIC:1__'] = ['host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'example',
  'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  'authproc' => [3 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent']]];
`
const REMOTE = `<?php
$parsed = \\SimpleSAML\\Metadata\\SAMLParser::parseString(file_get_contents('FOLDER/sp.xml'));
$metadata[$parsed->getEntityId()] = array_merge($parsed->getMetadata20SP(), ['saml20.sign.assertion' => true, 'sign.logout' => true, 'redirect.sign' => true, 'assertion.encryption' => ENCRYPT, 'sharedkey_algorithm' => 'http://www.w3.org/2001/04/xmlenc#aes256-cbc']);
`
