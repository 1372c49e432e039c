import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { stringify } from "yaml"

const FOLDER = import.meta.dirname
const ENDING = ".txt"

/** The saved queries by name, in order of names. */
export function savedQueries(): { readonly name: string; readonly text: string }[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(ENDING))
    .toSorted()
    .map((file) => ({
      name: file.slice(0, -ENDING.length),
      text: readFileSync(join(FOLDER, file), "utf8").trimEnd(),
    }))
}

/** A CloudFormation template that saves every query in the console, under `meshscope/`. */
export function queriesTemplate(): string {
  const resources = savedQueries().map(({ name, text }) => [
    logicalId(name),
    {
      Type: "AWS::Logs::QueryDefinition",
      Properties: { Name: `meshscope/${name}`, LogGroupNames: { Ref: "LogGroups" }, QueryString: text },
    },
  ])
  const template = {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "Queries for CloudWatch Logs Insights over the access lines that Meshscope's agents send.",
    Parameters: {
      LogGroups: {
        Type: "CommaDelimitedList",
        Description: "Log groups to ask, such as /meshscope/yelb/access. Up to 50, joined by commas.",
      },
    },
    Resources: Object.fromEntries(resources),
  }
  const text = stringify(template, { lineWidth: 0, blockQuote: "literal", version: "1.1" })
  return `# Made by dashboards/insights/build.ts from the queries beside it.\n${text}`
}

const logicalId = (name: string): string =>
  name.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())

// Run by hand after a change: node dashboards/insights/build.ts. A test says when.
if (import.meta.main) writeFileSync(join(FOLDER, "queries.yaml"), queriesTemplate())
