import type { ParsedModel } from "./declare/parsed.ts"
import { MeshscopeError } from "./errors.ts"
import type { ModelDocument } from "./model-document.ts"
import { modelDocumentSchema } from "./model-document-schema.ts"

/** Largest document, bytes, before and after decompression. */
export const MOST_MODEL_BYTES = 64 * 1024 ** 2

/** The document's text. */
export function modelText({ model, notes }: ParsedModel): string {
  return JSON.stringify({ version: 1, model, notes } satisfies ModelDocument)
}

/**
 * Reads a document that somebody else wrote.
 * @param from where it is from, for the sentence of an error
 * @throws MeshscopeError MODEL_INVALID with the first field that is not what it should be
 */
export function readModelText(text: string, from: string): ParsedModel {
  const { model, notes } = checked(parsed(text, from), from)
  return { model, notes: [...notes] }
}

function parsed(text: string, from: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MeshscopeError("MODEL_INVALID", `The declared model ${from} is not JSON.`, { cause })
  }
}

function checked(document: unknown, from: string): ModelDocument {
  const version =
    typeof document === "object" && document !== null && "version" in document ? document.version : undefined
  if (typeof version === "number" && version !== 1)
    throw new MeshscopeError(
      "MODEL_INVALID",
      `The declared model ${from} has version ${version}, and this program knows version 1: run collector and agents of one version.`,
    )
  const result = modelDocumentSchema.safeParse(document)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const field = (issue?.path ?? []).map(String).join(".").slice(0, 200)
  throw new MeshscopeError(
    "MODEL_INVALID",
    `The declared model ${from} is not a model document: ${field === "" ? "" : `${field}: `}${issue?.message ?? ""}.`,
  )
}
