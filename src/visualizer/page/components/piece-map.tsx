// The pieces of a file, one cell each: coloured by the peer it came from, part filled while on its way, dotted by how many
// peers have it while missing. One canvas, painted on each report or resize. The pointer or the arrow keys select a piece
// to describe; a screen reader gets the whole in a sentence.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { pieceStates } from '../../../wire/inspected-download.ts'
import type { DownloadView } from '../data/model.ts'
import { formatCount } from '../format.ts'
import { colour, peerColours, themeVersion } from '../style/theme.ts'

export const peerColour = (index: number): string => `--peer-${index % peerColours}`

const mostHeight = 260

/** The largest square cells with which all pieces fit. */
function gridFor(pieces: number, width: number): { cell: number; columns: number; rows: number } {
  for (let cell = 24; cell > 2; cell -= 1) {
    const columns = Math.max(1, Math.floor(width / cell))
    const rows = Math.ceil(pieces / columns)
    if (rows * cell <= mostHeight) return { cell, columns, rows }
  }
  const columns = Math.max(1, Math.floor(width / 2))
  return { cell: 2, columns, rows: Math.ceil(pieces / columns) }
}

function paintPieces(context: CanvasRenderingContext2D, download: DownloadView, width: number): void {
  const { pieceMap, availability } = download
  const { cell, columns } = gridFor(pieceMap.length, width)
  const side = cell > 4 ? cell - 1 : cell > 2 ? cell - 0.5 : cell
  const asked = new Map<number, number>()
  download.report.peers.forEach((peer, index) => {
    for (const piece of peer.inFlight) asked.set(piece, index)
  })
  const missing = colour('--piece-missing')
  const nowhere = colour('--piece-nowhere')
  const known = colour('--line-strong')
  const before = colour('--peer-before')
  const ink = colour('--ink-faint')
  const peers = download.report.peers.map((_, index) => colour(peerColour(index)))
  for (let piece = 0; piece < pieceMap.length; piece += 1) {
    const x = (piece % columns) * cell
    const y = Math.floor(piece / columns) * cell
    const state = pieceMap[piece]!
    if (state >= pieceStates.firstPeer) context.fillStyle = peers[state - pieceStates.firstPeer] ?? before
    else if (state === pieceStates.verified) context.fillStyle = before
    else context.fillStyle = availability[piece] === 0 ? nowhere : missing
    context.fillRect(x, y, side, side)
    if (state === pieceStates.inFlight || state === pieceStates.checking) {
      const peer = asked.get(piece)
      context.fillStyle = peer === undefined ? ink : peers[peer]!
      const part = state === pieceStates.checking ? 0.75 : 0.4
      context.fillRect(x, y + side * (1 - part), side, side * part)
    } else if (state === pieceStates.missing && availability[piece]! > 1 && cell > 5) {
      context.fillStyle = known
      const dot = Math.min(side / 2, 1 + availability[piece]!)
      context.fillRect(x + (side - dot) / 2, y + (side - dot) / 2, dot, dot)
    }
  }
}

function describePiece({ pieceMap, availability, report }: DownloadView, piece: number): string {
  const state = pieceMap[piece]
  const here = `Piece ${formatCount(piece)}: `
  const peer = report.peers[(state ?? 0) - pieceStates.firstPeer]
  if (peer) return `${here}from ${peer.user} (${peer.device}${peer.via === 'relay' ? ', relayed' : ''})`
  if (state === pieceStates.verified) return `${here}was here before`
  const asked = report.peers.filter(({ inFlight }) => inFlight.includes(piece)).map(({ user }) => user)
  if (state === pieceStates.inFlight) return `${here}on its way${asked.length ? ` from ${asked.join(', ')}` : ''}`
  if (state === pieceStates.checking) return `${here}arrived, being checked`
  const having = availability[piece] ?? 0
  return `${here}missing; ${having === 0 ? 'no connected peer has it' : `${having} connected ${having === 1 ? 'peer has' : 'peers have'} it`}`
}

export function PieceMap({ download }: { readonly download: DownloadView }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const [asked, setAsked] = useState<number | undefined>(undefined)
  const pieces = download.pieceMap.length

  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)))
    watch.observe(canvas.current!.parentElement!)
    return () => watch.disconnect()
  }, [])
  const { cell, columns, rows } = gridFor(pieces, width || 600)
  // Together with the words around it, not a frame later.
  useLayoutEffect(() => {
    const element = canvas.current!
    if (width === 0) return
    const scale = devicePixelRatio
    element.width = Math.floor(width * scale)
    element.height = Math.floor(rows * cell * scale)
    element.style.height = `${rows * cell}px`
    const context = element.getContext('2d')!
    context.scale(scale, scale)
    paintPieces(context, download, width)
    if (asked !== undefined) {
      context.strokeStyle = colour('--ink')
      context.lineWidth = 1.5
      context.strokeRect((asked % columns) * cell, Math.floor(asked / columns) * cell, cell - 1, cell - 1)
    }
  }, [download, width, asked, themeVersion.value])

  const onPointer = (event: PointerEvent) => {
    const piece = Math.floor(event.offsetY / cell) * columns + Math.floor(event.offsetX / cell)
    setAsked(piece >= 0 && piece < pieces ? piece : undefined)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }
    const move = moves[event.key]
    if (move === undefined) return
    event.preventDefault()
    event.stopPropagation()
    setAsked(Math.min(pieces - 1, Math.max(0, asked === undefined ? 0 : asked + move)))
  }
  const { done, total } = download.report.pieces
  return (
    <figure class="piece-map">
      <div>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={`Pieces of ${download.report.name}: ${formatCount(done)} of ${formatCount(total)} are here. Arrow keys ask about one.`}
          data-pieces={pieces}
          onPointerMove={onPointer}
          onPointerLeave={() => setAsked(undefined)}
          onKeyDown={onKeyDown}
        />
      </div>
      <figcaption aria-live="polite">
        {asked === undefined ? <Key download={download} /> : describePiece(download, asked)}
      </figcaption>
    </figure>
  )
}

function Key({ download: { pieceMap } }: { readonly download: DownloadView }) {
  const isThere = (state: number) => pieceMap.includes(state)
  return (
    <span class="key">
      <Sample of="peers" text="by peer" />
      {isThere(pieceStates.verified) && <Sample of="before" text="here before" />}
      <Sample of="flying" text="on its way" />
      <Sample of="missing" text="missing" />
      <Sample of="nowhere" text="missing, no connected peer has it" />
    </span>
  )
}

const Sample = ({ of, text }: { readonly of: string; readonly text: string }) => (
  <span>
    <span class={`swatch ${of}`} /> {text}
  </span>
)
