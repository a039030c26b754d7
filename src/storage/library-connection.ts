// The one connection to the library's database, and what all of its tables share: every action is a transaction, every
// row is checked against its schema, and SQLite's errors become the library's.

import type Database from 'better-sqlite3'
import type * as z from 'zod'
import { LibraryUnusable, openLibraryFile, translateSqliteError } from './library-file.ts'

export class LibraryConnection {
  readonly #database: Database.Database
  readonly #file: string

  /** Throws LibraryInUse when another agent still has it after `patienceMs`, or LibraryUnusable. */
  constructor(file: string, patienceMs: number) {
    this.#file = file
    this.#database = openLibraryFile(file, patienceMs)
  }

  prepare(sql: string): Database.Statement {
    return this.#database.prepare(sql)
  }

  /** `action` as one transaction. What it returns throws LibraryFailed, and whatever `action` throws. */
  transaction<Arguments extends unknown[], Result>(
    action: (...args: Arguments) => Result,
  ): (...args: Arguments) => Result {
    const whole = this.#database.transaction(action)
    return (...args) => {
      try {
        return whole(...args) as Result
      } catch (error) {
        throw translateSqliteError(error, this.#file)
      }
    }
  }

  /** Throws LibraryUnusable for a row that the schema does not allow. */
  parse<T>(schema: z.ZodType<T>, row: unknown): T {
    const parsed = schema.safeParse(row)
    if (parsed.success) return parsed.data
    throw new LibraryUnusable(`${this.#file} holds a row that Shoal did not write; move the file away`, {
      cause: parsed.error,
    })
  }

  close(): void {
    this.#database.close()
  }
}
