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
