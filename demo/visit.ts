/**
 * Plays the person at the browser: opens the address it is given, signs in as ada at the demo's identity provider, and says yes. The tour's
 * script uses it as BROWSER; with a real browser you do this yourself.
 */
import { Visitor } from './idp/visitor.ts'

const [url = ''] = process.argv.slice(2)
const visitor = new Visitor()
const choice = await visitor.open(url)
const question = choice.html.includes('name="person"') ? await visitor.submit(choice, { person: 'ada' }) : choice
await visitor.submit(question, { answer: 'yes' })
