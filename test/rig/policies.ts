/** Documents several suites share. The rig itself adds the resource. */

/** One human who may do everything: what is seen then is the gateway's faithfulness alone. */
export const ALLOW_ALL = `
kind: Human
name: suite
---
kind: Rule
name: everything
who: true
on: true
then: allow
`

/** Beside {@link ALLOW_ALL}: every label masked and every detector on, but no column labelled. What is masked then is masked falsely. */
export const EVERY_MASK = `
---
kind: Classification
name: nothing-here
columns:
  - { match: no_such_schema.no_such_table.no_such_column, labels: [pii.email, secret, pci.card] }
---
kind: Rule
name: mask-everything
who: true
on: true
then: allow
oblige: { mask: [{ labels: ["pii.*", "secret", "pci.*"], with: redact }] }
`
