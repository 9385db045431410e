import * as z from 'zod'
import { ROLES } from '../../model/commands.ts'
import { EFFECTS } from '../../model/effects.ts'
import { description, effect, name } from './field.ts'

const someEffects = (description: string, example: string) =>
  z
    .array(effect)
    .max(EFFECTS.length)
    .optional()
    .meta({ description, examples: [example] })
const role = z.enum(ROLES).meta({ description: 'What a word is to the command.', examples: ['read'] })
const optionWord = z.enum(['flag', 'maybe', 'unknown', ...ROLES]).meta({
  description:
    '`flag`: no value; `maybe`: one only where attached; `unknown`: not decided; a role: it takes a value of it.',
  examples: ['write'],
})
const option = z.union([
  optionWord,
  z.strictObject({
    takes: optionWord.optional(),
    effects: someEffects('What it does beside.', '[delete]'),
    recurses: z
      .boolean()
      .optional()
      .meta({
        description: 'With it, folders among the operands are read with all that is in them.',
        examples: ['true'],
      }),
    instead: z
      .boolean()
      .optional()
      .meta({ description: 'It stands in place of the first operand.', examples: ['true'] }),
  }),
])
const names = z
  .string()
  .max(1_024)
  .regex(/^[A-Za-z0-9_./+:[-]+( [A-Za-z0-9_./+:[-]+)*$/)
const optionNames = z
  .string()
  .max(1_024)
  .regex(/^--?[A-Za-z0-9][A-Za-z0-9_.-]*( --?[A-Za-z0-9][A-Za-z0-9_.-]*)*$/)

const words = {
  effects: someEffects('What it does whatever its options. Default: nothing.', '[read]'),
  options: z
    .record(optionNames, option)
    .optional()
    .meta({
      description: 'Names that mean the same, separated by blanks, to what they do.',
      examples: ['{ "-o --output": write, "--force": { effects: [delete] } }'],
    }),
  reads: z
    .array(z.string().min(1).max(1_024))
    .max(16)
    .optional()
    .meta({ description: 'Files it reads without being told so.', examples: ['[/etc/deployctl/token]'] }),
  otherOptions: z
    .enum(['harmless', 'unknown'])
    .optional()
    .meta({ description: 'What options are that are not listed. Default unknown.', examples: ['unknown'] }),
  operands: z
    .union([role, z.array(role).min(1).max(16)])
    .optional()
    .meta({ description: 'What operands are; the last role holds for the rest. Default text.', examples: ['read'] }),
  last: role.optional().meta({ description: 'What the last of several operands is.', examples: ['write'] }),
  bare: someEffects('What it does without operands, instead.', '[read]'),
}

/** A command, with as many levels of subcommands below it. */
function command(levels: number): z.ZodType {
  if (levels === 0) return z.strictObject(words)
  const subcommands = z
    .record(names, command(levels - 1))
    .optional()
    .meta({
      description: 'By the first operand; one that is not listed is unknown.',
      examples: ['{ status: { effects: [read] } }'],
    })
  return z.strictObject({ ...words, subcommands })
}

export const commandTable = z.strictObject({
  kind: z.literal('CommandTable'),
  name,
  commands: z.record(names, command(3)).meta({
    description:
      'Programs by name, several separated by blanks. A bare name is the program of the usual folders; one with its folder is that file only.',
    examples: ['{ deployctl: { subcommands: { status: { effects: [read] } } } }'],
  }),
  description,
})
