import { parseApiAnswers } from "./api-answers.ts"
import type { IstioOptions } from "./istio/mesh.ts"
import { jsonTexts } from "./json-texts.ts"
import { KubeObjects } from "./kube-objects.ts"
import { mergeModels } from "./merge.ts"
import { modelOfObjects } from "./model-of-objects.ts"
import type { ParsedModel } from "./parsed.ts"
import { strictReading } from "./reading.ts"
import { at, documentsOf, isThere } from "./spot.ts"

/** One file's text under the name that errors and notes use. */
export interface ModelFile {
  readonly file: string
  readonly text: string
}

/**
 * The model of a set of files. Kubernetes objects of all files are read together, since they refer to each other;
 * saved API answers stand for themselves. Which of the two a file holds is told by its content, not by its name.
 * @throws MeshscopeError MODEL_INVALID
 */
export function loadModel(files: readonly ModelFile[], options: IstioOptions = {}): ParsedModel {
  const objects = new KubeObjects(strictReading())
  const parts: ParsedModel[] = []
  for (const { file, text } of files) {
    if (holdsAnswers(text, file)) parts.push(parseApiAnswers(text, file))
    else objects.add(text, file)
  }
  parts.push(modelOfObjects(objects, options))
  return {
    model: mergeModels(parts.map((part) => part.model)),
    notes: parts.flatMap((part) => part.notes),
  }
}

/** Kubernetes objects have `kind` and `apiVersion`; answers are JSON without them. */
function holdsAnswers(text: string, file: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false
  const first = documentsOf(jsonTexts(text)[0] ?? "", file)[0]
  if (first === undefined) return false
  return !isThere(at(Array.isArray(first.value) ? at(first, 0) : first, "apiVersion"))
}
