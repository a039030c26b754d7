// The swarm view: all downloads, and of the chosen one what it waits for, where each piece came from, and from whom how fast.

import { formatBytes, formatDuration, formatRate, percentOf } from '../../../domain/quantities.ts'
import { processName } from '../components/actor-name.ts'
import { PieceMap, peerColour } from '../components/piece-map.tsx'
import { SpeedChart } from '../components/speed-chart.tsx'
import { VirtualList } from '../components/virtual-list.tsx'
import type { DownloadView } from '../data/model.ts'
import { model } from '../data/page-state.ts'
import { formatCount } from '../format.ts'
import { chosenDownload, followActor } from '../route.ts'
import { EmptyView } from './empty-view.tsx'

const underWay = ['downloading', 'stalled', 'locating', 'verifying', 'queued']
const order = (state: string) => (underWay.includes(state) ? 0 : 1)

export function Downloads() {
  const all = [...model().processes.values()]
    .flatMap(({ downloads }) => [...downloads.values()])
    .sort((one, two) => order(one.report.state) - order(two.report.state) || one.key.localeCompare(two.key))
  const chosen = all.find(({ key }) => key === chosenDownload.value) ?? all[0]
  if (!chosen) return <EmptyView about="Nothing is being downloaded." />
  return (
    <div class="two-columns">
      <VirtualList
        label="Downloads"
        items={all}
        rowHeight={64}
        keyOf={({ key }) => key}
        chosen={chosen.key}
        onChoose={({ key }) => (chosenDownload.value = key)}
        empty="None"
        row={download => <DownloadRow download={download} />}
      />
      <Swarm key={chosen.key} download={chosen} />
    </div>
  )
}

function DownloadRow({ download: { report, process } }: { readonly download: DownloadView }) {
  const { done, total } = report.bytes
  return (
    <div class="download-row">
      <div class="line">
        <strong class="cut">{report.name}</strong>
        <span class="faint">{`${percentOf({ done, total })}%`}</span>
      </div>
      <Progress done={done} total={total} />
      <div class="line small">
        <span class="soft cut">{processName(process)}</span>
        <State state={report.state} />
      </div>
    </div>
  )
}

const Progress = ({ done, total }: { readonly done: number; readonly total: number }) => (
  <div class="progress" role="progressbar" aria-valuenow={total === 0 ? 100 : Math.floor((100 * done) / total)}>
    <div class="bar-part" style={{ width: `${total === 0 ? 100 : (100 * done) / total}%` }} />
  </div>
)

export const State = ({ state }: { readonly state: string }) => <span class={`state state-${state}`}>{state}</span>

/** The download's main bottleneck as a sentence, or one word if there is none. */
function sentenceOf({ report: { state, waits } }: DownloadView): string {
  if (waits[0]) return waits[0].sentence
  if (state === 'completed') return 'It is complete, checked, and shared with the group.'
  if (state === 'downloading') return 'It is as fast as it can be.'
  return `It is ${state}.`
}

function Swarm({ download }: { readonly download: DownloadView }) {
  const { report, process } = download
  const { bytes: size, pieces } = report
  const actor = report.actor === null ? undefined : process.actors.get(report.actor)
  return (
    <section class="swarm" aria-label={`Download of ${report.name}`}>
      <header class="panel">
        <div class="line">
          <h2 class="cut">{report.name}</h2>
          <State state={report.state} />
        </div>
        <p class="soft">
          in {report.group}, to {processName(process)}
          {actor && (
            <>
              {' · '}
              <button type="button" class="link" onClick={() => followActor(actor.key)}>
                see its machine
              </button>
            </>
          )}
        </p>
        <p class="sentence" role="status">
          {sentenceOf(download)}
        </p>
        {report.waits.length > 1 && (
          <ul class="also soft">
            {report.waits.slice(1).map(wait => (
              <li key={wait.code}>{wait.sentence}</li>
            ))}
          </ul>
        )}
        <dl class="figures">
          <Figure
            name="here"
            value={`${percentOf(size)}%`}
            more={`${formatBytes(size.done)} of ${formatBytes(size.total)}`}
          />
          <Figure
            name="speed"
            value={formatRate(report.bytesPerSecond)}
            more={report.limits.down === null ? '' : `at most ${formatRate(report.limits.down)}`}
          />
          <Figure name="left" value={report.secondsLeft === null ? '–' : formatDuration(report.secondsLeft)} more="" />
          <Figure
            name="pieces"
            value={formatCount(pieces.done)}
            more={`of ${formatCount(pieces.total)}, ${formatBytes(report.pieceLength)} each`}
          />
          <Figure
            name="sharers"
            value={report.sharers ? formatCount(report.sharers.online) : '–'}
            more={report.sharers ? `online, of ${formatCount(report.sharers.all)}` : ''}
          />
        </dl>
      </header>
      <div class="panel">
        <h3>Pieces</h3>
        <PieceMap download={download} />
      </div>
      <div class="panel">
        <h3>Speed</h3>
        <SpeedChart download={download} />
      </div>
      <div class="panel">
        <h3>Peers</h3>
        <Peers download={download} />
      </div>
    </section>
  )
}

const Figure = ({ name, value, more }: { readonly name: string; readonly value: string; readonly more: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
    <dd class="faint small">{more}</dd>
  </div>
)

function Peers({ download: { report } }: { readonly download: DownloadView }) {
  if (report.peers.length === 0) return <p class="soft">None is known yet.</p>
  return (
    <div class="scroll-x">
      <table>
        <thead>
          <tr>
            <th>Peer</th>
            <th>State</th>
            <th>Way</th>
            <th class="number">Speed</th>
            <th class="number">Pieces</th>
            <th class="number">Bytes</th>
            <th class="number">On their way</th>
            <th class="number">Has</th>
          </tr>
        </thead>
        <tbody>
          {report.peers.map((peer, index) => (
            <tr key={`${peer.user}/${peer.device}`} data-peer={peer.user} data-state={peer.state}>
              <td>
                <span class="swatch" style={{ background: `var(${peerColour(index)})` }} /> {peer.user}{' '}
                <span class="faint mono">{peer.device.slice(0, 6)}</span>
              </td>
              <td title={peer.why ?? ''}>
                <State state={peer.state} /> <span class="faint small">{peer.why}</span>
              </td>
              <td>{peer.via === null ? '–' : peer.via === 'relay' ? '⇄ relayed' : '→ direct'}</td>
              <td class="number">
                {peer.bytesPerSecond > 0 ? formatRate(peer.bytesPerSecond) : '–'}
                {peer.limit !== null && <div class="faint small">of {formatRate(peer.limit)}: its limit</div>}
              </td>
              <td class="number" data-column="pieces">
                {formatCount(peer.pieces)}
              </td>
              <td class="number">{formatBytes(peer.bytes)}</td>
              <td class="number">{peer.inFlight.length || '–'}</td>
              <td class="number">
                {peer.has === null ? '–' : `${percentOf({ done: peer.has, total: report.pieces.total })}%`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
