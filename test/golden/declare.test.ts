import { expect, it } from "vitest"
import { loadModel } from "../../mesh/declare/load.ts"
import { fixture } from "../fixtures/declare/objects.ts"

/** What each fixture declares. A change of a file is a change of the names that users see. */
const FIXTURES = ["bookstore-istio.yaml", "shop-cloudformation.yaml", "shop-terraform.tfstate"]

it.each(FIXTURES)("%s declares what stands beside it", async (name) => {
  const { model, notes } = loadModel([fixture(name)])
  const beside = name.replace(/\.[a-z.]+$/, ".model.json")
  await expect(`${JSON.stringify({ model, notes }, null, 2)}\n`).toMatchFileSnapshot(
    `../fixtures/declare/${beside}`,
  )
})
