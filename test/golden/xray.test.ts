import { join } from "node:path"
import { expect, test } from "vitest"
import { FORMS } from "../fixtures/spans/captured.ts"
import { demoDocuments } from "../fixtures/xray/demo-documents.ts"

const FOLDER = join(import.meta.dirname, "../fixtures/xray")

test.each(FORMS)(
  "a request that was throttled, sent by Envoys as %s: the documents for X-Ray",
  async (form) => {
    const documents = demoDocuments(form, "throttled").map(({ payload }): unknown =>
      JSON.parse(Buffer.from(payload).toString()),
    )
    await expect(`${JSON.stringify(documents, undefined, 1)}\n`).toMatchFileSnapshot(
      join(FOLDER, `throttled-${form}.json`),
    )
  },
)
