import { MeshscopeError } from "#mesh/errors.ts"
import { COMPONENTS, type ComponentName, isComponentName, overrideVariable } from "./catalogue.ts"
import { components } from "./component.ts"

/** `node scripts/components/main.ts`: lists the components. With names: provisions them and prints their paths. */
async function main(names: string[]): Promise<void> {
  if (names.length === 0) list()
  await components(names.map(known), (name, path) => process.stdout.write(`${name} ${path}\n`))
}

function known(name: string): ComponentName {
  if (isComponentName(name)) return name
  throw new MeshscopeError(
    "COMPONENT_MISSING",
    `No component is called ${name}. There are: ${Object.keys(COMPONENTS).join(", ")}.`,
  )
}

function list(): void {
  for (const [name, { package: from }] of Object.entries(COMPONENTS)) {
    const row = [
      name.padEnd(24),
      from.version.padEnd(15),
      from.source.kind.padEnd(12),
      overrideVariable(name),
    ]
    process.stdout.write(`${row.join(" ")}\n`)
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof MeshscopeError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
