import { ERROR_CODES } from "#mesh/errors.ts"
import { code, madeFrom, markdownTable } from "./markdown.ts"

/** docs/errors.md: every error code, and what the user can do. */
export function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([name, meaning]) => [code(name), meaning])
  return `# Errors

${madeFrom("mesh/errors.ts")}

Every error of the agent, the collector and the command line has one of these codes. In the log it is the field \`code\` or \`errorCode\`.

${markdownTable(["Code", "What happened, and what to do"], rows)}`
}
