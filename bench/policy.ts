/** Full enforcement: labels on two columns of one table, a mask for them, and rules whose conditions look at effects. */
export const POLICY = `
kind: Human
name: bench
groups: [analysts]
---
kind: Classification
name: customers
columns:
  - { match: public.customers.email, labels: [pii.email] }
  - { match: public.customers.card, labels: [pci.card] }
---
kind: Rule
name: analysts-read-masked
who: principal.kind == "human" && "analysts" in principal.groups
on: resource.labels.env == "prod"
when: op.only(["read", "session", "export"])
then: allow
oblige: { mask: [{ labels: ["pii.*", "pci.*"], with: partial }] }
---
kind: Rule
name: nobody-drops
who: true
on: resource.labels.env == "prod"
when: op.has("define") || op.has("delete")
then: deny
---
kind: Rule
name: writes-are-asked-for
who: principal.kind == "agent"
on: true
when: op.has("write")
then: approve
approve: { by: [group:dba] }
`
