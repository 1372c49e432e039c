import { readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt"
import { command } from "./command.ts"
import type { Progress } from "./progress.ts"
import type { DescriptorSource } from "./source.ts"
import { obtainWheel } from "./wheel.ts"

/** Writes `otlp.binpb`: a binary FileDescriptorSet in which each file stands after those that it imports. */
export async function obtainDescriptors(
  { wheel }: DescriptorSource,
  folder: string,
  progress: Progress,
): Promise<void> {
  await obtainWheel(wheel, folder, progress)
  const lines = await command("python3", [join(import.meta.dirname, "descriptors.py"), folder])
  const files = lines
    .trim()
    .split("\n")
    .map((line) => fromBinary(FileDescriptorProtoSchema, Buffer.from(line, "base64")))
  const unpacked = await readdir(folder)
  for (const name of unpacked) await rm(join(folder, name), { recursive: true })
  const set = create(FileDescriptorSetSchema, { file: importedFirst(files) })
  await writeFile(join(folder, "otlp.binpb"), toBinary(FileDescriptorSetSchema, set))
}

/** The same files, each after those that it imports. Imports that are not among them are left to the reader. */
export function importedFirst(files: FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map(files.map((file) => [file.name, file]))
  const sorted = new Set<FileDescriptorProto>()
  const visit = (file: FileDescriptorProto): void => {
    for (const name of file.dependency) {
      const imported = byName.get(name)
      if (imported && !sorted.has(imported)) visit(imported)
    }
    sorted.add(file)
  }
  for (const file of files) visit(file)
  return [...sorted]
}
