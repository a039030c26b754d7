// The sum of all rows, kept up as they come and go: telling whether two projections hold the same rows costs nothing, however
// many there are. AdHash of Bellare and Micciancio ("A New Paradigm for Collision-Free Hashing", 1997): every row's SHA-256,
// added modulo 2^256, in any order. docs/adr/0029-a-digest-grows-with-the-log.md says what it is good for.

import { hash } from 'node:crypto'
import type Database from 'better-sqlite3'

/** Says how far the log is applied; entryChain covers it. */
const notSummed = ['origin', 'subjects', 'handled', 'unreadable']

const wrapped = (sum: bigint): bigint => BigInt.asUintN(256, sum)

/** `row` as `rowExpression` spells it. */
const hashOf = (row: string): bigint => BigInt(`0x${hash('sha256', row)}`)

export class RowSum {
  /** A caller that rolls its changes back sets it back too. */
  value = 0n

  /** From now on every change that comes through `db` counts. */
  constructor(db: Database.Database) {
    // Without it, INSERT OR REPLACE drops a row and no trigger hears of it.
    db.pragma('recursive_triggers = ON')
    db.function('sum_add', (row: string) => this.#note(hashOf(row)))
    db.function('sum_drop', (row: string) => this.#note(-hashOf(row)))
    for (const table of summedTables(db)) {
      const [added, dropped] = ['NEW', 'OLD'].map(prefix => rowExpression(db, table, prefix))
      db.exec(`
        CREATE TEMP TRIGGER ${table}_added AFTER INSERT ON ${table} BEGIN SELECT sum_add(${added}); END;
        CREATE TEMP TRIGGER ${table}_dropped AFTER DELETE ON ${table} BEGIN SELECT sum_drop(${dropped}); END;
        CREATE TEMP TRIGGER ${table}_changed AFTER UPDATE ON ${table}
          BEGIN SELECT sum_drop(${dropped}), sum_add(${added}); END;`)
    }
  }

  #note(difference: bigint): null {
    this.value = wrapped(this.value + difference)
    return null
  }
}

/** Reads every row. */
export function sumAllRows(db: Database.Database): bigint {
  let sum = 0n
  for (const table of summedTables(db)) {
    const rows = db.prepare(`SELECT ${rowExpression(db, table, table)} FROM ${table}`).pluck()
    for (const row of rows.iterate() as Iterable<string>) sum += hashOf(row)
  }
  return wrapped(sum)
}

const summedTables = (db: Database.Database): string[] =>
  (db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all() as string[]).filter(
    name => !notSummed.includes(name),
  )

/** SQL for one row as text: no two rows of any tables have the same. */
function rowExpression(db: Database.Database, table: string, prefix: string): string {
  const columns = db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[]
  return `json_array('${table}', ${columns.map(column => `${prefix}.${column}`).join(', ')})`
}
