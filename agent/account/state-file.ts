import { existsSync, readdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { MeshscopeError } from "#mesh/errors.ts"
import { makeFolder } from "#mesh/folder.ts"
import { stateError } from "./state-errors.ts"

/** Version of the tables and of the blobs in them. A higher one is refused and kept. */
const SCHEMA_VERSION = 1
/** Marks the file as ours: `MSCP`. */
const APPLICATION_ID = 0x4d534350
const STATE_NAME = "state.sqlite"

const TABLES = `
create table meta(key text primary key, value) without rowid;
create table series(id integer primary key, metric text not null, labels text not null, start_ms integer not null,
  born integer not null);
create table base(chunk integer primary key, generation integer not null, bytes blob not null);
create table delta(generation integer primary key, bytes blob not null);
create table participant(key text primary key, bytes blob not null);
`

/** `labels`: flat list of names and values. `born`: generation of the commit that stored it. */
export interface StoredSeries {
  readonly id: number
  readonly metric: string
  readonly labels: readonly string[]
  readonly startMs: number
  readonly born: number
}

export interface StoredBlob {
  readonly generation: number
  readonly bytes: Uint8Array
}

export interface StoredState {
  readonly generation: number
  readonly series: readonly StoredSeries[]
  readonly bases: ReadonlyMap<number, StoredBlob>
  /** Ascending by generation. */
  readonly deltas: readonly StoredBlob[]
  readonly participants: ReadonlyMap<string, Uint8Array>
  /** Boot of the machine that wrote last, and whether it closed the file in order. */
  readonly boot: string
  readonly clean: boolean
}

/** All that one transaction writes. Blobs of length 0 remove a participant. */
export interface StateCommit {
  readonly generation: number
  readonly born: readonly StoredSeries[]
  readonly gone: Iterable<number>
  readonly changes: Uint8Array
  readonly base: { readonly chunk: number; readonly bytes: Uint8Array } | undefined
  /** Deltas up to this generation are in every base. */
  readonly forgetTo: number
  readonly participants: ReadonlyMap<string, Uint8Array>
  readonly boot: string
}

/** The file itself. All calls are synchronous and throw a MeshscopeError. */
export interface StateFile {
  readonly path: string
  read(): StoredState
  /** One transaction; on an error nothing of it remains. */
  write(commit: StateCommit): void
  /** Forgets all values (but no participant) and gives every series a new start. */
  startAnew(startMs: number, generation: number): void
  /** Empties the write-ahead log and notes that the file was closed in order. */
  close(): void
  /** Lets go of the file as it is. */
  abandon(): void
}

/**
 * Opens or makes the state file of a folder; without one, a state in memory that nothing remains of. Throws STATE_FUTURE,
 * STATE_CORRUPT or STATE_UNWRITABLE.
 */
export function openStateFile(folder: string): StateFile {
  const path = folder === "" ? ":memory:" : join(folder, STATE_NAME)
  let database: DatabaseSync | undefined
  try {
    if (folder !== "") makeFolder(folder, 0o700)
    database = new DatabaseSync(path, { timeout: 2000 })
    prepareTables(database, path)
    return stateFile(database, path)
  } catch (cause) {
    database?.close()
    throw stateError(cause, path)
  }
}

/** Keeps a damaged state file beside the new one; an older one set aside before is removed, so that disk is bounded. */
export function setAside(folder: string, nowMs: number): string {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`${STATE_NAME}.damaged-`)) rmSync(join(folder, name))
  }
  const aside = join(folder, `${STATE_NAME}.damaged-${nowMs}`)
  for (const suffix of ["", "-wal"]) {
    const from = join(folder, STATE_NAME + suffix)
    if (existsSync(from)) renameSync(from, aside + suffix)
  }
  rmSync(join(folder, `${STATE_NAME}-shm`), { force: true })
  return aside
}

function prepareTables(database: DatabaseSync, path: string): void {
  const version = pragma(database, "user_version")
  if (version > SCHEMA_VERSION) {
    throw new MeshscopeError(
      "STATE_FUTURE",
      `${path} has version ${version}; this program knows ${SCHEMA_VERSION}.`,
    )
  }
  const tables = database.prepare("select count(*) as n from sqlite_schema").get()?.["n"]
  if (tables !== 0 && (version !== SCHEMA_VERSION || pragma(database, "application_id") !== APPLICATION_ID)) {
    throw new MeshscopeError("STATE_CORRUPT", `${path} is not a state file of this program.`)
  }
  database.exec("pragma journal_mode=wal; pragma synchronous=normal; pragma wal_autocheckpoint=0")
  if (tables !== 0) return
  database.exec(
    `begin immediate; ${TABLES} pragma application_id=${APPLICATION_ID}; pragma user_version=${SCHEMA_VERSION}; commit`,
  )
}

function pragma(database: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(database.prepare(`pragma ${name}`).get()?.[name])
}

function stateFile(database: DatabaseSync, path: string): StateFile {
  const statements = prepareStatements(database)
  let open = true
  let boot: string | undefined
  const guarded = (action: () => void): void => {
    try {
      database.exec("begin immediate")
      action()
      database.exec("commit")
    } catch (cause) {
      if (database.isTransaction) database.exec("rollback")
      throw stateError(cause, path)
    }
  }
  return {
    path,
    read() {
      try {
        return readState(database)
      } catch (cause) {
        throw stateError(cause, path)
      }
    },
    write(commit) {
      guarded(() => {
        if (boot !== commit.boot) noteBoot(statements, commit.boot)
        writeCommit(statements, commit)
      })
      boot = commit.boot
    },
    startAnew(startMs, generation) {
      guarded(() => {
        database.exec("delete from base; delete from delta")
        database.prepare("update series set start_ms = ?, born = ?").run(startMs, generation)
        statements.addDelta.run(generation, EMPTY_BLOB)
      })
    },
    close() {
      if (!open) return
      open = false
      try {
        if (boot !== undefined) guarded(() => statements.meta.run("clean", 1))
        database.exec("pragma wal_checkpoint(truncate)")
      } finally {
        database.close()
      }
    },
    abandon() {
      if (open) database.close()
      open = false
    },
  }
}

/** A blob without records: the CRC-32 of nothing. */
const EMPTY_BLOB = new Uint8Array(4)

type Statements = ReturnType<typeof prepareStatements>

function prepareStatements(database: DatabaseSync) {
  const sql = (text: string): StatementSync => database.prepare(text)
  return {
    meta: sql("insert or replace into meta values(?, ?)"),
    addSeries: sql("insert into series values(?, ?, ?, ?, ?)"),
    dropSeries: sql("delete from series where id = ?"),
    addDelta: sql("insert into delta values(?, ?)"),
    dropDeltas: sql("delete from delta where generation <= ?"),
    setBase: sql("insert or replace into base values(?, ?, ?)"),
    setParticipant: sql("insert or replace into participant values(?, ?)"),
    dropParticipant: sql("delete from participant where key = ?"),
  }
}

function noteBoot(statements: Statements, boot: string): void {
  statements.meta.run("boot", boot)
  statements.meta.run("clean", 0)
}

function writeCommit(statements: Statements, commit: StateCommit): void {
  for (const id of commit.gone) statements.dropSeries.run(id)
  for (const series of commit.born) {
    statements.addSeries.run(
      series.id,
      series.metric,
      JSON.stringify(series.labels),
      series.startMs,
      series.born,
    )
  }
  statements.addDelta.run(commit.generation, commit.changes)
  if (commit.base !== undefined) {
    statements.setBase.run(commit.base.chunk, commit.generation, commit.base.bytes)
    statements.dropDeltas.run(commit.forgetTo)
  }
  for (const [key, bytes] of commit.participants) {
    if (bytes.length === 0) statements.dropParticipant.run(key)
    else statements.setParticipant.run(key, bytes)
  }
}

function readState(database: DatabaseSync): StoredState {
  const rows = (text: string): Record<string, unknown>[] => database.prepare(text).all()
  const meta = new Map(rows("select key, value from meta").map((row) => [String(row["key"]), row["value"]]))
  const boot = meta.get("boot")
  const deltas = rows("select generation, bytes from delta order by generation").map(storedBlob)
  const bases = new Map(
    rows("select chunk, generation, bytes from base").map((row) => [wholeOf(row["chunk"]), storedBlob(row)]),
  )
  const blobs = [...deltas, ...bases.values()]
  return {
    generation: blobs.reduce((newest, blob) => Math.max(newest, blob.generation), 0),
    series: rows("select id, metric, labels, start_ms, born from series order by id").map(storedSeries),
    bases,
    deltas,
    participants: new Map(
      rows("select key, bytes from participant").map((row) => [String(row["key"]), bytesOf(row["bytes"])]),
    ),
    boot: typeof boot === "string" ? boot : "",
    clean: meta.get("clean") === 1,
  }
}

function storedSeries(row: Record<string, unknown>): StoredSeries {
  const labels: unknown = JSON.parse(String(row["labels"]))
  const flat = Array.isArray(labels) && labels.length % 2 === 0
  if (!flat || !labels.every((text) => typeof text === "string")) throw damaged("labels of a series")
  return {
    id: wholeOf(row["id"]),
    metric: String(row["metric"]),
    labels,
    startMs: wholeOf(row["start_ms"]),
    born: wholeOf(row["born"]),
  }
}

function storedBlob(row: Record<string, unknown>): StoredBlob {
  return { generation: wholeOf(row["generation"]), bytes: bytesOf(row["bytes"]) }
}

function wholeOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw damaged("number")
  return value
}

function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw damaged("blob")
  return value
}

function damaged(what: string): MeshscopeError {
  return new MeshscopeError("STATE_CORRUPT", `The state file is damaged: a ${what} is not what was written.`)
}
