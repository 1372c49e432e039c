import { component } from "./component.ts"

for (const name of process.argv.slice(2))
  process.stdout.write(`${name} ${await component(name as "envoy")}\n`)
