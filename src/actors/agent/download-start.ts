// Starting a download: the trackers say what the file is, the destination is checked, and the library records it. A
// download that is already on its way to that destination is joined if it is the same file, and otherwise in the way.

import { checkManifest, type Manifest, shareId } from '../../domain/manifest.ts'
import { showable } from '../../domain/names.ts'
import { done, type Outcome, type Refusal, refuse } from '../../domain/refusal.ts'
import type { DownloadSummary, LibraryDownloads } from '../../storage/library-downloads.ts'
import type { AgentParams, DownloadView } from '../../wire/agent-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import { checkDestination, partFileOf, resolveDestination } from './destination.ts'
import type { DownloadControl } from './download-control.ts'
import { isInactive } from './download-view.ts'
import type { InactiveDownloads } from './inactive-downloads.ts'

export interface DownloadStartNeeds {
  readonly user: string
  readonly library: Pick<LibraryDownloads, 'unfinishedDownloads' | 'changeDownload'>
  readonly trackers: Pick<TrackerClient, 'ask'>
  readonly inactive: InactiveDownloads
  readonly control: DownloadControl
}

interface FoundFile {
  readonly share: string
  readonly manifest: Manifest
}

export class DownloadStart {
  readonly #needs: DownloadStartNeeds

  constructor(needs: DownloadStartNeeds) {
    this.#needs = needs
  }

  async add({ group, name, destination, overwrite }: AgentParams<'download'>): Promise<Outcome<DownloadView>> {
    const { user, inactive, control } = this.#needs
    const resolved = await resolveDestination(destination, name)
    if (!resolved.ok) return resolved
    const path = resolved.value
    const found = await this.#find(group, name)
    if (!found.ok) return found
    const { share, manifest } = found.value

    for (const record of this.#unfinished()) if (record.destination === path) await control.settled(record.id)
    const before = this.#joinClaimant(path, share, overwrite)
    if (before) return before
    const checked = await checkDestination(path, manifest, overwrite)
    if (!checked.ok) return checked
    // Another request may have claimed the path meanwhile. From here on nothing waits.
    const meanwhile = this.#joinClaimant(path, share, overwrite)
    if (meanwhile) return meanwhile
    const file = { user, group, name, share, manifest, destination: path, part: partFileOf(path), overwrite }
    return control.start(() => inactive.create({ ...file, createdAt: Date.now() }))
  }

  /** What the trackers say the file is, checked. */
  async #find(group: string, name: string): Promise<Outcome<FoundFile>> {
    const answer = await this.#needs.trackers.ask('swarm.locate', { group, name })
    if (!answer.ok) return answer
    const { share, manifest } = answer.value
    const checked = checkManifest(manifest)
    if (!checked.ok) return checked
    if (shareId(group, manifest) !== share || manifest.name !== name)
      return refuse(
        'integrity',
        `the trackers' description of ${showable(name)} contradicts itself; it was not downloaded`,
      )
    return done({ share, manifest })
  }

  #unfinished(): DownloadSummary[] {
    return this.#needs.library.unfinishedDownloads(this.#needs.user)
  }

  /** Undefined when no unfinished download has the path, or its part file's. */
  #joinClaimant(path: string, share: string, overwrite: boolean): Outcome<DownloadView> | undefined {
    const { library, control } = this.#needs
    const unfinished = this.#unfinished()
    const claimant = unfinished.find(({ destination }) => destination === path)
    if (!claimant) {
      const neighbour = unfinished.find(({ destination, part }) => part === path || destination === partFileOf(path))
      return neighbour && inTheWay(neighbour, path)
    }
    const { id, state } = claimant
    if (claimant.share !== share)
      return refuse('destination-exists', `download ${id} goes to ${showable(path)}; cancel it first`)
    if (control.isBeingCancelled(id))
      return refuse('destination-exists', `download ${id} to ${showable(path)} is being cancelled; try again`)
    if (!isInactive(state)) return done(control.view(id)!)
    if (overwrite) library.changeDownload(id, { overwrite })
    return control.restart(id)
  }
}

const inTheWay = ({ id, destination, part }: DownloadSummary, path: string): Refusal =>
  refuse(
    'destination-exists',
    part === path
      ? `${showable(path)} is the part file of download ${id}; choose another destination, or cancel that download first`
      : `${showable(destination)} is where download ${id} goes, and this download would need it for its part file; choose another destination, or cancel that download first`,
  )
