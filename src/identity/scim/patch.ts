import { ScimFailure } from './failure.ts'
import type { PatchOperation } from './schema.ts'

type Resource = Record<string, unknown>

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Applies operations to a user (RFC 7644 §3.5.2): whole attributes, sub-attributes by a dot, and a URN before them. A value filter
 * (`emails[type eq "work"].value`) names something that means nothing here: it is taken, and changes nothing.
 */
export function patchedUser(user: Resource, operations: readonly PatchOperation[]): Resource {
  const next = structuredClone(user)
  for (const { op, path, value } of operations) {
    if (path !== undefined) apply(next, { op, path, value })
    else {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new ScimFailure(400, 'An operation without a path needs an object.', 'invalidValue')
      for (const [name, each] of Object.entries(value)) apply(next, { op, path: name, value: each })
    }
  }
  return next
}

function apply(resource: Resource, { op, path, value }: { op: string; path: string; value: unknown }): void {
  const plain = path.replace(/^urn:ietf:params:scim:schemas:core:2\.0:User:/i, '')
  if (plain.includes('[') || plain.startsWith('urn:')) return
  const [first = '', second, ...more] = plain.split('.')
  if (first === '' || more.length > 0) throw new ScimFailure(400, 'The path cannot be read.', 'invalidPath')
  for (const step of [first, second])
    if (step !== undefined && FORBIDDEN.has(step)) throw new ScimFailure(400, 'The path cannot be read.', 'invalidPath')
  if (/^(id|meta|schemas)$/i.test(first)) throw new ScimFailure(400, `${first} cannot be changed.`, 'mutability')
  const name = existing(resource, first)
  if (second === undefined) return set(resource, name, { op, value })
  const inner = resource[name]
  if (inner !== undefined && (typeof inner !== 'object' || inner === null || Array.isArray(inner))) return
  const holder = (inner ?? {}) as Resource
  set(holder, existing(holder, second), { op, value })
  resource[name] = holder
}

/** The name as the resource has it: attribute names have no case. */
function existing(resource: Resource, name: string): string {
  return (
    Object.keys(resource).find((each) => each.toLowerCase() === name.toLowerCase()) ??
    KNOWN.get(name.toLowerCase()) ??
    name
  )
}

const KNOWN = new Map(['userName', 'externalId', 'active', 'displayName'].map((name) => [name.toLowerCase(), name]))

function set(resource: Resource, name: string, { op, value }: { op: string; value: unknown }): void {
  if (op === 'remove') delete resource[name]
  else resource[name] = value
}

/** What operations do to a group: its name, and who is in it. */
export interface GroupChange {
  displayName?: string
  externalId?: string
  clear: boolean
  add: Set<string>
  remove: Set<string>
}

/** Reads operations on a group. Throws ScimFailure for one it cannot apply whole. */
export function groupChange(operations: readonly PatchOperation[]): GroupChange {
  const change: GroupChange = { clear: false, add: new Set(), remove: new Set() }
  for (const { op, path, value } of operations) {
    if (path !== undefined) changeBy(change, { op, path, value })
    else {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new ScimFailure(400, 'An operation without a path needs an object.', 'invalidValue')
      for (const [name, each] of Object.entries(value))
        if (!/^(id|schemas|meta)$/i.test(name)) changeBy(change, { op, path: name, value: each })
    }
  }
  return change
}

const ONE_MEMBER = /^members\[\s*value\s+eq\s+"([^"\\]{1,256})"\s*\]$/i

function changeBy(change: GroupChange, { op, path, value }: { op: string; path: string; value: unknown }): void {
  const plain = path.replace(/^urn:ietf:params:scim:schemas:core:2\.0:Group:/i, '')
  const one = ONE_MEMBER.exec(plain)?.[1]
  if (one !== undefined && op === 'remove') return leave(change, [one])
  if (/^members$/i.test(plain)) {
    const ids = value === undefined ? undefined : idsOf(value)
    if (op === 'add') return join(change, ids ?? [])
    if (op === 'remove' && ids !== undefined) return leave(change, ids)
    change.clear = true
    change.add.clear()
    change.remove.clear()
    return join(change, op === 'replace' ? (ids ?? []) : [])
  }
  if (!/^(displayName|externalId)$/i.test(plain))
    throw new ScimFailure(400, `${plain.slice(0, 100)} is not an attribute of a group here.`, 'invalidPath')
  const name = plain.toLowerCase() === 'displayname' ? 'displayName' : 'externalId'
  if (op === 'remove' && name === 'externalId') change.externalId = ''
  else if (typeof value === 'string' && value.length > 0 && value.length <= 256 && op !== 'remove') change[name] = value
  else throw new ScimFailure(400, `${name} must be a text.`, 'invalidValue')
}

function join(change: GroupChange, ids: readonly string[]): void {
  for (const id of ids) {
    change.add.add(id)
    change.remove.delete(id)
  }
}

function leave(change: GroupChange, ids: readonly string[]): void {
  for (const id of ids) {
    change.remove.add(id)
    change.add.delete(id)
  }
}

function idsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).map((each) => {
    const id = typeof each === 'string' ? each : (each as { value?: unknown } | null)?.value
    if (typeof id !== 'string' || id.length > 256)
      throw new ScimFailure(400, 'A member is an object with a value.', 'invalidValue')
    return id
  })
}
