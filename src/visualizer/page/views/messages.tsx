// A sequence diagram of the messages between actors of one process: a column for each actor, an arrow for each message,
// time downwards. Of all actors, or of the chosen one and those it exchanges messages with.

import { useSignal } from '@preact/signals'
import { actorName, processName } from '../components/actor-name.ts'
import { VirtualList } from '../components/virtual-list.tsx'
import { model, position, recording, revision } from '../data/page-state.ts'
import type { RecordedMessage } from '../data/recording.ts'
import { formatTimeMs } from '../format.ts'
import { chosenActor } from '../route.ts'
import { EmptyView } from './empty-view.tsx'

const laneWidth = 150
const timeWidth = 96
const mostLanes = 12
const outside = 'outside'

export function Messages() {
  revision.value
  const about = useSignal<'all' | 'followed'>('all')
  const chosenProcess = useSignal<string | undefined>(undefined)
  const processes = [...model().processes.values()]
  const said = recording.messages.filter(message => position.value === undefined || message.position <= position.value)
  const followed = processes.flatMap(({ actors }) => [...actors.values()]).find(({ key }) => key === chosenActor.value)
  const busiest = busiestOf(said)
  const process =
    processes.find(({ key }) => key === chosenProcess.value) ??
    followed?.process ??
    processes.find(({ key }) => key === busiest) ??
    processes[0]
  if (!process) return <EmptyView about="No process of yours is running." />
  const own = said.filter(
    message =>
      message.process === process.key &&
      (about.value === 'all' || followed === undefined || message.to === followed.id || message.from === followed.id),
  )
  const lanes = lanesOf(own)
  const shownRows = own.filter(({ from, to }) => lanes.includes(from ?? outside) && lanes.includes(to))
  const nameOf = (id: string) => {
    const actor = process.actors.get(id)
    return id === outside ? 'outside' : actor ? actorName(actor) : 'gone'
  }
  return (
    <section class="panel sequence" aria-label="Messages">
      <div class="line tools">
        <label>
          Of{' '}
          <select value={process.key} onChange={event => (chosenProcess.value = event.currentTarget.value)}>
            {processes.map(each => (
              <option key={each.key} value={each.key}>
                {processName(each)}
              </option>
            ))}
          </select>
        </label>
        {followed && (
          <label>
            <input
              type="checkbox"
              checked={about.value === 'followed'}
              onChange={event => (about.value = event.currentTarget.checked ? 'followed' : 'all')}
            />{' '}
            only of {actorName(followed)}
          </label>
        )}
        <span class="faint end">{own.length > shownRows.length ? 'The busiest actors are shown.' : ''}</span>
      </div>
      <div class="lanes-scroll">
        <div class="lanes" style={{ width: `${timeWidth + lanes.length * laneWidth}px` }}>
          <div class="lane-heads" aria-hidden="true">
            {lanes.map((id, index) => (
              <span
                key={id}
                class="cut"
                style={{ left: `${timeWidth + index * laneWidth}px`, width: `${laneWidth}px` }}
              >
                {nameOf(id)}
              </span>
            ))}
          </div>
          <div class="lane-lines" aria-hidden="true">
            {lanes.map((id, index) => (
              <i key={id} style={{ left: `${timeWidth + (index + 0.5) * laneWidth}px` }} />
            ))}
          </div>
          <VirtualList
            label="Messages in order"
            items={shownRows.map((message, index) => ({ message, id: `${message.position}-${index}` }))}
            rowHeight={28}
            keyOf={({ id }) => id}
            chosen={undefined}
            onChoose={() => {}}
            empty="No messages since this page was opened."
            followEnd={position.value === undefined}
            row={({ message }) => <Arrow message={message} lanes={lanes} nameOf={nameOf} />}
          />
        </div>
      </div>
    </section>
  )
}

/** The process with the most messages. */
function busiestOf(messages: readonly RecordedMessage[]): string | undefined {
  const counted = new Map<string, number>()
  for (const { process, count } of messages) counted.set(process, (counted.get(process) ?? 0) + count)
  return [...counted].sort((one, two) => two[1] - one[1])[0]?.[0]
}

/** The actors with the most messages, in the order in which they first appear. */
function lanesOf(messages: readonly RecordedMessage[]): string[] {
  const counted = new Map<string, number>()
  for (const { from, to, count } of messages)
    for (const id of [from ?? outside, to]) counted.set(id, (counted.get(id) ?? 0) + count)
  const most = [...counted].sort((one, two) => two[1] - one[1]).slice(0, mostLanes)
  const kept = new Set(most.map(([id]) => id))
  return [...counted.keys()].filter(id => kept.has(id))
}

function Arrow(props: {
  readonly message: RecordedMessage
  readonly lanes: readonly string[]
  readonly nameOf: (id: string) => string
}) {
  const { message, lanes, nameOf } = props
  const from = lanes.indexOf(message.from ?? outside)
  const to = lanes.indexOf(message.to)
  const left = timeWidth + (Math.min(from, to) + 0.5) * laneWidth
  const width = Math.max(Math.abs(to - from) * laneWidth, 30)
  const direction = from === to ? 'self' : to > from ? 'right' : 'left'
  const times = message.count > 1 ? ` ×${message.count}` : ''
  return (
    <div class="message-row">
      <span class="faint small mono">{formatTimeMs(message.at)}</span>
      <span class={`message ${direction}`} style={{ left: `${left}px`, width: `${width}px` }}>
        <span class="heard-only">
          {nameOf(message.from ?? outside)} to {nameOf(message.to)}:{' '}
        </span>
        <span class="cut">{message.event + times}</span>
      </span>
    </div>
  )
}
