import { URN } from './schema.ts'

const META = 'urn:ietf:params:scim:schemas:core:2.0'

/** What there is to provision (RFC 7643 §6). */
export const RESOURCE_TYPES = [
  { schemas: [`${META}:ResourceType`], id: 'User', name: 'User', endpoint: '/Users', schema: URN.user },
  { schemas: [`${META}:ResourceType`], id: 'Group', name: 'Group', endpoint: '/Groups', schema: URN.group },
]

const attribute = (name: string, over: object = {}) => ({
  name,
  type: 'string',
  multiValued: false,
  description: '',
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...over,
})

/** The attributes that mean something here (RFC 7643 §7); what else a user is given is kept and given back. */
export const SCHEMAS = [
  {
    schemas: [`${META}:Schema`],
    id: URN.user,
    name: 'User',
    description: 'A person of the provider',
    attributes: [
      attribute('userName', { required: true, uniqueness: 'server' }),
      attribute('displayName'),
      attribute('active', { type: 'boolean' }),
    ],
  },
  {
    schemas: [`${META}:Schema`],
    id: URN.group,
    name: 'Group',
    description: 'A group of the provider',
    attributes: [
      attribute('displayName', { required: true, uniqueness: 'server' }),
      attribute('members', {
        type: 'complex',
        multiValued: true,
        subAttributes: [
          attribute('value', { caseExact: true, mutability: 'immutable' }),
          attribute('display', { mutability: 'readOnly' }),
          attribute('$ref', { type: 'reference', referenceTypes: ['User'], mutability: 'immutable' }),
        ],
      }),
    ],
  },
]
