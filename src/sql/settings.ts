import { SluiceError } from '../kit/errors.ts'
import { effects } from '../model/effects.ts'
import { children, flag, type Node, names, stringOf, word } from './ast.ts'
import type { Reading } from './reading.ts'
import type { Transition } from './resolved.ts'

const SESSION = effects('session')
const GRANT = effects('grant')
const UNKNOWN = effects('unknown')

/** Settings that change who acts or what code is loaded. */
const POWERFUL: ReadonlySet<string> = new Set([
  'role',
  'session_authorization',
  'session_replication_role',
  'row_security',
  'session_preload_libraries',
  'local_preload_libraries',
  'shared_preload_libraries',
  'dynamic_library_path',
  'extension_control_path',
  'allow_system_table_mods',
])

/**
 * A setting is given a value (undefined: its default, which the gateway pins when it logs in). Throws `sql.setting` for a value under which
 * the server would read text otherwise than the grammar here does (ATTACKS A10 to A13).
 */
function checkSetting(name: string, value: string | undefined): void {
  if (name === 'standard_conforming_strings' && value !== undefined && !isTrue(value)) refuse(name)
  if (name === 'client_encoding' && value !== undefined && !isUtf8(value)) refuse(name)
}

function refuse(name: string): never {
  throw new SluiceError('sql.setting', name)
}

/** parse_bool of the server: any prefix of the word that is not ambiguous. */
function isTrue(value: string): boolean {
  return /^(t|tr|tru|true|y|ye|yes|on|1)$/i.test(value)
}

/** Encoding names are compared without case and punctuation. */
export function isUtf8(value: string): boolean {
  return /^(utf8|unicode)$/.test(value.toLowerCase().replace(/[^a-z0-9]/g, ''))
}

/** Notes a setting's name and what changing it does. */
function noteSetting(reading: Reading, name: string): void {
  reading.settings.add(name)
  reading.effects |= POWERFUL.has(name) ? SESSION | GRANT : SESSION
}

/** Checks a SET in any place (also ALTER ROLE … SET, CREATE FUNCTION … SET) and notes its names. Throws `sql.setting`. */
export function readSet(reading: Reading, node: Node): void {
  const kind = word(node, 'kind')
  if (kind === 'VAR_RESET_ALL') {
    reading.settings.add('all')
    reading.effects |= SESSION
    return
  }
  if (kind === 'VAR_SET_MULTI') {
    reading.effects |= SESSION
    for (const arg of children(node, 'args')) if (arg.nodeType === 'DefElem') reading.settings.add(multiName(node, arg))
    if (word(node, 'name') === 'TRANSACTION SNAPSHOT') reading.settings.add('transaction_snapshot')
    return
  }
  const name = settingName(node)
  checkSetting(name, kind === 'VAR_SET_VALUE' ? settingValues(node).join(', ') : undefined)
  noteSetting(reading, name)
}

/** SET SESSION CHARACTERISTICS sets the defaults of the transaction's settings. */
function multiName(node: Node, arg: Node): string {
  const name = word(arg, 'defname')
  return word(node, 'name') === 'SESSION CHARACTERISTICS' ? `default_${name}` : name
}

/** Setting names are compared without case. */
export function settingName(node: Node): string {
  return word(node, 'name').toLowerCase()
}

function settingValues(node: Node): string[] {
  return children(node, 'args').map((arg) => {
    const constant = arg.nodeType === 'TypeCast' ? (arg.arg as Node) : arg
    return constant?.nodeType === 'A_Const' ? String(constant.value) : stringOf(constant)
  })
}

/** What a top-level SET or RESET changes in the session. */
export function setTransitions(node: Node): Transition[] {
  const kind = word(node, 'kind')
  const local = flag(node, 'is_local')
  if (kind === 'VAR_SET_MULTI') return []
  if (kind === 'VAR_RESET_ALL') {
    return [
      { kind: 'setting', name: 'all', value: undefined, local: false },
      { kind: 'searchPath', path: 'default', local: false },
    ]
  }
  const name = settingName(node)
  const values = kind === 'VAR_SET_VALUE' ? settingValues(node) : undefined
  const transition: Transition = { kind: 'setting', name, value: values?.join(', '), local }
  if (name !== 'search_path') return [transition]
  return [
    transition,
    { kind: 'searchPath', path: values ?? (kind === 'VAR_SET_CURRENT' ? 'uncertain' : 'default'), local },
  ]
}

/** A call of set_config: the constants it is given; undefined where they are not constant. */
interface ConfigCall {
  readonly name: string | undefined
  /** `null`: back to the default. */
  readonly value: string | null | undefined
  readonly local: boolean | undefined
}

const PARAMETERS = ['setting_name', 'new_value', 'is_local']

/** The arguments of a set_config call, positional or named. */
function configCall(node: Node): ConfigCall {
  const values: unknown[] = [undefined, undefined, undefined]
  for (const [i, arg] of children(node, 'args').entries()) {
    const named = arg.nodeType === 'NamedArgExpr'
    const at = named ? PARAMETERS.indexOf(word(arg, 'name')) : i
    if (at >= 0) values[at] = constantOf(named ? (arg.arg as Node) : arg)
  }
  const [name, value, local] = values
  return {
    name: typeof name === 'string' ? name.toLowerCase() : undefined,
    value: value === undefined ? undefined : value === null ? null : String(value),
    local: typeof local === 'boolean' ? local : typeof local === 'string' ? isTrue(local) : undefined,
  }
}

function constantOf(node: Node | undefined): unknown {
  if (node?.nodeType === 'A_Const') return node.value
  if (node?.nodeType !== 'TypeCast') return undefined
  const type = names(node.typeName as Node, 'names').at(-1)
  return type === 'text' || type === 'bool' || type === 'varchar' ? constantOf(node.arg as Node) : undefined
}

/** Judges a set_config call like the SET it stands for (ATTACKS A33f). Throws `sql.setting`. */
export function readConfigCall(reading: Reading, node: Node): void {
  const call = configCall(node)
  if (call.name === undefined || call.value === undefined) {
    // Nobody can tell which setting, or to what.
    if (call.name === undefined || isProtected(call.name)) {
      reading.effects |= UNKNOWN
      reading.sensitive = true
    }
    if (call.name !== undefined) noteSetting(reading, call.name)
    return
  }
  checkSetting(call.name, call.value ?? undefined)
  noteSetting(reading, call.name)
}

function isProtected(name: string): boolean {
  return name === 'standard_conforming_strings' || name === 'client_encoding'
}

/** What a set_config call changes. `certain`: it is all its statement does, so it will have run. */
export function configTransition(node: Node, certain: boolean): Transition | undefined {
  const call = configCall(node)
  if (call.name !== undefined && call.name !== 'search_path') return undefined
  const known = certain && call.value !== undefined && call.value !== null && call.local !== undefined
  const path = known ? parsePath(call.value) : 'uncertain'
  return { kind: 'searchPath', path, local: known ? call.local : false }
}

/** A search_path value as text: identifiers, quoted or folded, separated by commas. */
export function parsePath(text: string): readonly string[] | 'uncertain' {
  if (text.trim() === '') return []
  const path: string[] = []
  const element = /\s*(?:"((?:[^"]|"")*)"|([^\s",]+))\s*(,|$)/y
  while (element.lastIndex < text.length) {
    const match = element.exec(text)
    if (!match) return 'uncertain'
    path.push(match[1] !== undefined ? match[1].replaceAll('""', '"') : match[2]!.toLowerCase())
    if (match[3] === '') break
  }
  return path
}
