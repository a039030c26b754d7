// The page: the frame around the views, the keys, and opening and saving recordings.

import { render } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { config as zod } from 'zod'
import { endLive, runLive } from './data/live-connection.ts'
import { config, position, recording, seek, showRecording, sourceStatus } from './data/page-state.ts'
import { readRecording } from './data/read-recording.ts'
import { openView, startRouting, type ViewName, view, viewNames } from './route.ts'
import { chooseTheme, loadTheme, type Theme, theme } from './style/theme.ts'
import { Cluster } from './views/cluster.tsx'
import { Downloads } from './views/downloads.tsx'
import { Machines } from './views/machines.tsx'
import { Messages } from './views/messages.tsx'
import { playOrPause, stepBy, Timeline } from './views/timeline.tsx'
import 'uplot/dist/uPlot.min.css'
import './style/theme.css'
import './style/page-frame.css'
import './style/panels.css'
import './style/lists.css'
import './style/controls.css'
import './style/states.css'
import './views/empty-view.css'
import './views/timeline.css'
import './views/downloads.css'
import './views/machines.css'
import './views/messages.css'
import './views/cluster.css'

// Zod's faster way compiles code at run time, which the page's policy forbids.
zod({ jitless: true })

const views: Record<ViewName, () => preact.JSX.Element> = {
  downloads: Downloads,
  machines: Machines,
  messages: Messages,
  cluster: Cluster,
}

function save() {
  const text = recording.save(config.value?.version ?? '', config.value?.you ?? null)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/jsonl' }))
  link.download = `shoal-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.jsonl`
  link.click()
  URL.revokeObjectURL(link.href)
}

async function openFile(file: File | undefined) {
  if (!file) return
  const read = readRecording(await file.text())
  if (!read.ok) {
    alert(`${file.name}: ${read.message}`)
    return
  }
  endLive()
  showRecording(read.lines)
  sourceStatus.value = {
    kind: 'recording',
    text: read.broken === 0 ? 'a recording' : `a recording; ${read.broken} of its lines cannot be read`,
  }
  seek(recording.last)
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && ['INPUT', 'SELECT', 'TEXTAREA'].includes(target.tagName)

function onKey(event: KeyboardEvent) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
  // It closes by Escape itself, and covers what the other keys would change.
  if (document.querySelector('dialog[open]')) return
  const name = viewNames[Number(event.key) - 1]
  if (name) openView(name)
  else if (event.key === '/') document.querySelector<HTMLInputElement>('#filter')?.focus()
  else if (event.key === 'ArrowLeft') stepBy(-1)
  else if (event.key === 'ArrowRight') stepBy(1)
  else if (event.key === ' ' && event.target === document.body) playOrPause()
  else if (event.key === 'Escape') seek(undefined)
  else if (event.key === '?') document.querySelector<HTMLDialogElement>('#keys')?.showModal()
  else return
  event.preventDefault()
}

function Page() {
  useEffect(() => addEventListener('keydown', onKey), [])
  const file = useRef<HTMLInputElement>(null)
  const View = views[view.value]
  const you = config.value?.you
  return (
    <div class={`frame${position.value === undefined ? '' : ' past'}`}>
      <header class="top">
        <span class="brand">
          <img src="icon.svg" alt="" width="24" height="24" /> Shoal
        </span>
        <nav aria-label="Views">
          {viewNames.map(name => (
            <a
              key={name}
              href={`#/${name}`}
              aria-current={view.value === name ? 'page' : undefined}
              onClick={event => {
                event.preventDefault()
                openView(name)
              }}
            >
              {name[0]!.toUpperCase() + name.slice(1)}
            </a>
          ))}
        </nav>
        <span class={`source-status ${sourceStatus.value.kind}`} role="status" data-source={sourceStatus.value.kind}>
          {sourceStatus.value.kind === 'recording'
            ? 'recording'
            : sourceStatus.value.kind === 'live'
              ? 'live'
              : sourceStatus.value.text}
        </span>
        <span class="soft who cut" title={sourceStatus.value.text}>
          {config.value && (you ? you.user : 'all users')}
        </span>
        <div class="tools">
          <button type="button" class="quiet" onClick={save}>
            Save recording
          </button>
          <button type="button" class="quiet" onClick={() => file.current?.click()}>
            Open
          </button>
          <input
            ref={file}
            type="file"
            id="open"
            hidden
            accept=".jsonl"
            onChange={event => void openFile(event.currentTarget.files?.[0])}
          />
          <select
            aria-label="Colours"
            value={theme.value}
            onChange={event => chooseTheme(event.currentTarget.value as Theme)}
          >
            <option value="auto">Auto</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
        </div>
      </header>
      <main>{sourceStatus.value.kind === 'refused' ? <p class="nothing">{sourceStatus.value.text}</p> : <View />}</main>
      <Timeline />
      <dialog id="keys" aria-label="Keys">
        <h2>Keys</h2>
        <dl class="facts">
          <div>
            <dt>1 2 3 4</dt>
            <dd>the views</dd>
          </div>
          <div>
            <dt>← →</dt>
            <dd>one step back, one step forward</dd>
          </div>
          <div>
            <dt>Space</dt>
            <dd>pause or play</dd>
          </div>
          <div>
            <dt>Escape</dt>
            <dd>back to live</dd>
          </div>
          <div>
            <dt>/</dt>
            <dd>find an actor</dd>
          </div>
          <div>
            <dt>+ − 0</dt>
            <dd>zoom the chart</dd>
          </div>
        </dl>
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </dialog>
    </div>
  )
}

loadTheme()
startRouting()
render(<Page />, document.querySelector('#page')!)
void runLive()
