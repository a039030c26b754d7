// Which shared files are checked, and when. All of them when it starts; then those that the system says have changed, once
// they are quiet; and all others in turn, a few at a time, since the system does not notice every change. Files are also
// compared with each read, so a file that this finds late was never served with other bytes.

import { dirname } from 'node:path'
import { fileCheckTunables } from '../../../config/agent.ts'
import { FolderWatch } from '../../storage/folder-watch.ts'
import type { ShareName } from '../../storage/library-shares.ts'
import type { FileCheck } from './file-check.ts'
import { QuietFiles } from './quiet-files.ts'
import type { ShareRecords } from './share-records.ts'

export interface FileSweepNeeds {
  readonly records: Pick<ShareRecords, 'page' | 'at'>
  readonly files: Pick<FileCheck, 'check'>
}

export class FileSweep {
  readonly #needs: FileSweepNeeds
  readonly #folders: FolderWatch
  readonly #changed = new QuietFiles(fileCheckTunables.changed)
  /** The last share that was checked in this round. */
  #checked: ShareName | undefined
  /** Changes were missed: everything is to be checked. */
  #hasMissed = false

  constructor(needs: FileSweepNeeds) {
    this.#needs = needs
    this.#folders = new FolderWatch({
      onChange: path => {
        if (!this.#changed.add(path)) this.#hasMissed = true
      },
      onLost: () => {
        this.#hasMissed = true
      },
      most: fileCheckTunables.mostWatchedFolders,
    })
  }

  /** A file that is shared from now on. */
  watch(path: string): void {
    this.#folders.keep(dirname(path))
  }

  /** Checks every file. Rejects when a check does. */
  async all(): Promise<void> {
    this.#hasMissed = false
    this.#checked = undefined
    do await this.#slice()
    while (this.#checked)
  }

  /** Checks the files that have changed and are quiet now, none after another that takes long. Rejects when a check does. */
  async changed(): Promise<void> {
    const { records, files } = this.#needs
    const checks = this.#changed.take().flatMap(path => records.at(path).map(entry => files.check(entry)))
    await Promise.all(checks)
  }

  /** Checks some files: in a row, these calls check all. Rejects when a check does. */
  async next(): Promise<void> {
    await this.#folders.look(fileCheckTunables.foldersAtOnce)
    if (this.#hasMissed) await this.all()
    else await this.#slice()
  }

  close(): void {
    this.#folders.close()
    this.#changed.clear()
  }

  async #slice(): Promise<void> {
    const page = this.#needs.records.page(this.#checked, fileCheckTunables.atOnce)
    this.#checked = page.length < fileCheckTunables.atOnce ? undefined : page.at(-1)
    for (const entry of page) {
      this.watch(entry.path)
      await this.#needs.files.check(entry)
    }
    if (!this.#checked) this.#folders.endRound()
  }
}
