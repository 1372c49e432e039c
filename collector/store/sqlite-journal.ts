import { existsSync, renameSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { MeshscopeError } from "#mesh/errors.ts"
import { makeFolder } from "#mesh/folder.ts"
import { fileReason } from "#mesh/system-reason.ts"
import type { Journal, JournalBatch, JournalRow, JournalSeries } from "./journal.ts"

const VERSION = 1
const SCHEMA = `
create table series (id integer primary key, cell integer not null, metric text not null, labels text not null, last integer not null) strict;
create table step (id integer primary key, at integer not null, length integer not null, blob blob not null) strict;
create index step_at on step (length, at);
create table kept (key text primary key, bytes blob not null) strict, without rowid;
pragma user_version = ${VERSION};
`

/**
 * Opens `collector.db` in `folder`, one process at a time. A damaged file is set aside, its name ending in
 * `.damaged`, and a new one begun. Throws STATE_LOCKED, STATE_FUTURE (the file stays as it is) or STATE_UNWRITABLE.
 * @param onDamage called with a sentence for the log when a file was set aside
 */
export function openSqliteJournal(folder: string, onDamage: (sentence: string) => void): Journal {
  const path = join(folder, "collector.db")
  try {
    makeFolder(folder)
    return journalOf(openDatabase(path))
  } catch (error) {
    if (error instanceof MeshscopeError) throw error
    if (isLocked(error))
      throw new MeshscopeError("STATE_LOCKED", `${path} is used by another collector.`, { cause: error })
    if (!isDamaged(error)) throw unwritable(path, error)
    setAside(path)
    onDamage(`${path} is damaged; it was set aside as ${path}.damaged and a new one begun`)
    return journalOf(openDatabase(path))
  }
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 500 })
  try {
    // Exclusive: a second collector is refused at once instead of both adding up.
    database.exec("pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal")
    database.exec("pragma wal_autocheckpoint = 0; begin immediate; commit")
    const version = Number(database.prepare("pragma user_version").get()?.["user_version"] ?? 0)
    if (version > VERSION)
      throw new MeshscopeError("STATE_FUTURE", `${path} was written by a newer version (${version}).`)
    if (version === 0) database.exec(`begin; ${SCHEMA} commit`)
    database.prepare("select count(*) from series").get()
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** SQLite's own result codes: 5 busy, 6 locked, 11 corrupt, 26 not a database; `errcode` may carry more in high bits. */
function resultCode(error: unknown): number {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return 0
  return Number(error.errcode) & 255
}
const isLocked = (error: unknown): boolean => [5, 6].includes(resultCode(error))
const isDamaged = (error: unknown): boolean => [11, 26].includes(resultCode(error))

function unwritable(path: string, cause: unknown): MeshscopeError {
  return new MeshscopeError("STATE_UNWRITABLE", `${path} cannot be written: ${fileReason(cause)}.`, {
    cause,
    retryable: true,
  })
}

function setAside(path: string): void {
  renameSync(path, `${path}.damaged`)
  for (const suffix of ["-wal", "-shm"]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, `${path}.damaged${suffix}`)
  }
}

function journalOf(database: DatabaseSync): Journal {
  const insertSeries = database.prepare("insert or replace into series values (?, ?, ?, ?, ?)")
  const deleteSeries = database.prepare("delete from series where id = ?")
  const insertStep = database.prepare("insert into step (at, length, blob) values (?, ?, ?)")
  const putKept = database.prepare("insert or replace into kept values (?, ?)")
  const dropKept = database.prepare("delete from kept where key = ?")
  const write = (batch: JournalBatch): void => {
    for (const row of batch.series) insertSeries.run(row.id, row.cell, row.metric, row.labels, row.lastMs)
    for (const id of batch.forgotten) deleteSeries.run(id)
    for (const row of batch.rows) insertStep.run(row.atMs, row.stepMs, row.blob)
    for (const [key, bytes] of batch.kept) {
      if (bytes.length === 0) dropKept.run(key)
      else putKept.run(key, bytes)
    }
  }
  return {
    series: () => readSeries(database),
    rows: (stepMs, fromMs, toMs) => readRows(database, stepMs, fromMs, toMs),
    kept: () => readKept(database),
    commit: (batch) => {
      commit(database, () => {
        write(batch)
      })
    },
    trim(stepMs, beforeMs) {
      commit(database, () => {
        database.prepare("delete from step where length = ? and at < ?").run(stepMs, beforeMs)
      })
      // Checkpoints stall for milliseconds: here, once a minute, and not inside a commit.
      database.exec("pragma wal_checkpoint(truncate)")
    },
    bytes: () => fileBytes(database),
    close() {
      database.exec("pragma wal_checkpoint(truncate)")
      database.close()
    },
  }
}

function commit(database: DatabaseSync, work: () => void): void {
  try {
    database.exec("begin immediate")
    work()
    database.exec("commit")
  } catch (error) {
    if (database.isTransaction) database.exec("rollback")
    throw unwritable("collector.db", error)
  }
}

function* readSeries(database: DatabaseSync): Iterable<JournalSeries> {
  for (const row of database.prepare("select id, cell, metric, labels, last from series").iterate()) {
    yield {
      id: Number(row["id"]),
      cell: Number(row["cell"]),
      metric: String(row["metric"]),
      labels: String(row["labels"]),
      lastMs: Number(row["last"]),
    }
  }
}

function* readRows(
  database: DatabaseSync,
  stepMs: number,
  fromMs: number,
  toMs: number,
): Iterable<JournalRow> {
  const found = database
    .prepare("select at, blob from step where length = ? and at >= ? and at < ? order by at, id")
    .iterate(stepMs, fromMs, toMs)
  for (const row of found) {
    const blob = row["blob"]
    if (blob instanceof Uint8Array) yield { atMs: Number(row["at"]), stepMs, blob }
  }
}

function readKept(database: DatabaseSync): Map<string, Uint8Array> {
  const kept = new Map<string, Uint8Array>()
  for (const row of database.prepare("select key, bytes from kept").iterate()) {
    const bytes = row["bytes"]
    if (bytes instanceof Uint8Array) kept.set(String(row["key"]), bytes)
  }
  return kept
}

function fileBytes(database: DatabaseSync): number {
  const pages = Number(database.prepare("pragma page_count").get()?.["page_count"] ?? 0)
  const size = Number(database.prepare("pragma page_size").get()?.["page_size"] ?? 0)
  return pages * size
}
