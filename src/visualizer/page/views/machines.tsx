// Every actor of every process as a tree, and of the one that is followed its chart, its context, and what happened to it.

import { useSignal } from '@preact/signals'
import { activeNodes, stateWords } from '../components/active-nodes.ts'
import { actorName, processName } from '../components/actor-name.ts'
import { Statechart } from '../components/statechart.tsx'
import { VirtualList } from '../components/virtual-list.tsx'
import type { ActorView, ProcessView } from '../data/model.ts'
import { charts, model, position, recording, revision, seek } from '../data/page-state.ts'
import type { RecordedStep } from '../data/recording.ts'
import { formatTimeMs } from '../format.ts'
import { chosenActor } from '../route.ts'
import { EmptyView } from './empty-view.tsx'

interface Row {
  readonly key: string
  readonly depth: number
  readonly process: ProcessView
  /** Undefined: the process itself. */
  readonly actor: ActorView | undefined
}

/** Parents before children. An actor with an unknown parent is at the top. */
function rowsOf(processes: Iterable<ProcessView>, filter: string): Row[] {
  const rows: Row[] = []
  const wanted = filter.trim().toLowerCase()
  for (const process of processes) {
    const children = new Map<string | null, ActorView[]>()
    for (const actor of process.actors.values()) {
      const parent = actor.parent !== null && process.actors.has(actor.parent) ? actor.parent : null
      children.set(parent, [...(children.get(parent) ?? []), actor])
    }
    const own: Row[] = []
    const add = (actor: ActorView, depth: number) => {
      const words = `${actorName(actor)} ${actor.name} ${actor.machine} ${stateWords(actor.state)} ${processName(process)}`
      if (words.toLowerCase().includes(wanted)) own.push({ key: actor.key, depth, process, actor })
      for (const child of children.get(actor.id) ?? []) add(child, depth + 1)
    }
    for (const root of children.get(null) ?? []) add(root, 1)
    if (own.length > 0) rows.push({ key: process.key, depth: 0, process, actor: undefined }, ...own)
  }
  return rows
}

export function Machines() {
  const filter = useSignal('')
  const processes = [...model().processes.values()].sort((one, two) =>
    one.isTracker === two.isTracker ? one.key.localeCompare(two.key) : one.isTracker ? 1 : -1,
  )
  const rows = rowsOf(processes, filter.value)
  const actors = rows.flatMap(({ actor }) => (actor ? [actor] : []))
  const chosen =
    actors.find(({ key }) => key === chosenActor.value) ??
    actors.find(({ machine }) => machine === 'download') ??
    actors.find(({ machine }) => machine !== null)
  if (processes.length === 0) return <EmptyView about="No process of yours is running." />
  return (
    <div class="three-columns">
      <div class="side">
        <input
          type="search"
          id="filter"
          placeholder="Find an actor or a state"
          aria-label="Find an actor or a state"
          value={filter.value}
          onInput={event => (filter.value = event.currentTarget.value)}
        />
        <VirtualList
          label="Actors"
          items={rows}
          rowHeight={30}
          keyOf={({ key }) => key}
          chosen={chosen?.key}
          onChoose={({ actor }) => {
            if (actor) chosenActor.value = actor.key
          }}
          empty="No actor matches."
          row={row => <ActorRow row={row} />}
        />
      </div>
      {chosen && <Followed actor={chosen} />}
    </div>
  )
}

function ActorRow({ row: { actor, process, depth } }: { readonly row: Row }) {
  if (!actor)
    return (
      <div class="process-row">
        <strong>{processName(process)}</strong>
      </div>
    )
  const isFresh = process.at - actor.at < 1_500 && actor.machine !== null
  return (
    <div class="actor-row" style={{ paddingLeft: `${depth * 14}px` }}>
      <span
        class={`dot ${actor.status}${actor.machine === null ? ' plain' : ''}${isFresh ? ' fresh' : ''}`}
        aria-hidden="true"
      />
      <span class="cut">{actorName(actor)}</span>
      <span class="faint small cut end">{actor.status === 'active' ? stateWords(actor.state) : actor.status}</span>
    </div>
  )
}

function Followed({ actor }: { readonly actor: ActorView }) {
  revision.value
  const chart = actor.machine === null ? undefined : charts.value.get(actor.machine)
  const steps = recording.steps.get(actor.key) ?? []
  const at = position.value
  // At an earlier position, the last step before it.
  const current = at === undefined ? steps.at(-1) : steps.findLast(step => step.position <= at)
  const digest = actor.machine === null ? undefined : actor.process.definitions[actor.machine]
  const isOther = chart !== undefined && digest !== undefined && digest !== chart.digest
  return (
    <>
      <section class="panel chart" aria-label="Chart">
        <div class="line">
          <h2 class="cut">{actorName(actor)}</h2>
          <span class="faint">{actor.machine ?? actor.kind}</span>
          <span class="state-words end" data-state={stateWords(actor.state)}>
            {actor.status === 'active' ? stateWords(actor.state) : actor.status}
          </span>
        </div>
        {isOther && <p class="warning">This process runs another version; its chart may differ.</p>}
        {chart ? (
          <Statechart
            chart={chart}
            active={activeNodes(chart, actor.state)}
            taken={new Set(actor.transitions.map(({ edge }) => edge))}
            label={actorName(actor)}
          />
        ) : (
          <p class="soft">This actor is not a machine, so it has no chart.</p>
        )}
      </section>
      <aside class="side">
        <section class="panel context" aria-label="Context">
          <h3>Context</h3>
          {actor.error !== null && <p class="warning">{actor.error}</p>}
          <dl>
            {Object.entries(actor.context).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd class="mono">{String(value)}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section class="panel history" aria-label="History">
          <h3>History</h3>
          <VirtualList
            label="Steps"
            items={steps}
            rowHeight={44}
            keyOf={step => String(step.position)}
            chosen={current && String(current.position)}
            onChoose={step => seek(step.position)}
            empty="No steps since this page was opened."
            followEnd={at === undefined}
            row={step => <StepRow step={step} />}
          />
        </section>
      </aside>
    </>
  )
}

const StepRow = ({ step }: { readonly step: RecordedStep }) => (
  <div class="step-row">
    <div class="line">
      <span class="mono cut">{step.event}</span>
      <span class="faint small">{step.merged > 1 ? `${step.merged} in one` : ''}</span>
    </div>
    <div class="line small">
      <span class="soft cut">{stateWords(step.actor.state) || step.actor.status}</span>
      <span class="faint">{formatTimeMs(step.at)}</span>
    </div>
  </div>
)
