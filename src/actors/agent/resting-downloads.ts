// The downloads of a user while this device is not connected: all of them rest, and what is asked for is recorded in the
// library, from which the next session begins.

import type { Logger } from 'pino'
import type { Library } from '../../storage/library.ts'
import { DownloadControl } from './download-control.ts'
import { createInactiveDownloads, type InactiveDownloads } from './inactive-downloads.ts'

interface Opened {
  readonly user: string
  readonly inactive: InactiveDownloads
  readonly control: DownloadControl
}

export class RestingDownloads {
  readonly #library: Library
  readonly #log: Logger
  #opened: Opened | undefined

  constructor(library: Library, log: Logger) {
    this.#library = library
    this.#log = log
  }

  of(user: string): DownloadControl {
    if (this.#opened?.user !== user) {
      void this.#closeOpened()
      const inactive = createInactiveDownloads(user, this.#library, this.#log)
      const control = new DownloadControl({ library: this.#library, inactive, queue: undefined })
      this.#opened = { user, inactive, control }
    }
    return this.#opened!.control
  }

  /** Resolves once nothing more is recorded; another session may then take the downloads over. */
  async close(): Promise<void> {
    // Commands that come meanwhile open them again.
    while (this.#opened) await this.#closeOpened()
  }

  async #closeOpened(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.control.close()
    opened?.inactive.close()
  }
}
