// A list of any length of which only what is in view exists in the page. One entry is chosen; arrows, Home, End, Page Up
// and Page Down move the choice, as in every list box.

import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

interface VirtualListProps<T> {
  readonly label: string
  readonly items: readonly T[]
  readonly rowHeight: number
  readonly keyOf: (item: T) => string
  readonly chosen: string | undefined
  readonly onChoose: (item: T) => void
  readonly row: (item: T) => ComponentChildren
  /** The text of an empty list. */
  readonly empty: ComponentChildren
  /** Goes along with what is added at the end, unless the person has scrolled away from it. */
  readonly followEnd?: boolean
}

const beyondView = 6

export function VirtualList<T>(props: VirtualListProps<T>) {
  const { items, rowHeight, keyOf, chosen, onChoose, row, label } = props
  const box = useRef<HTMLDivElement>(null)
  const [scroll, setScroll] = useState({ top: 0, height: 600 })
  const atEnd = useRef(true)

  useEffect(() => {
    const element = box.current
    if (!element) return
    const measure = () => setScroll({ top: element.scrollTop, height: element.clientHeight })
    const watch = new ResizeObserver(measure)
    watch.observe(element)
    return () => watch.disconnect()
  }, [])

  const index = items.findIndex(item => keyOf(item) === chosen)
  useEffect(() => {
    const element = box.current
    if (!element || index < 0) return
    const top = index * rowHeight
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight - element.clientHeight
  }, [chosen])
  useEffect(() => {
    const element = box.current
    if (element && props.followEnd && atEnd.current) element.scrollTop = element.scrollHeight
  }, [items.length])

  const onScroll = (event: Event) => {
    const element = event.currentTarget as HTMLDivElement
    atEnd.current = element.scrollTop + element.clientHeight > element.scrollHeight - rowHeight
    setScroll({ top: element.scrollTop, height: element.clientHeight })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(scroll.height / rowHeight) - 1)
    const moves: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -items.length,
      End: items.length,
    }
    const move = moves[event.key]
    if (move === undefined || items.length === 0) return
    event.preventDefault()
    event.stopPropagation()
    const next = index < 0 ? (move > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, index + move))
    onChoose(items[next]!)
  }

  const first = Math.max(0, Math.floor(scroll.top / rowHeight) - beyondView)
  const last = Math.min(items.length, Math.ceil((scroll.top + scroll.height) / rowHeight) + beyondView)
  const idOf = (item: T) => `${label}:${keyOf(item)}`.replace(/\s/g, '-')
  return (
    <div
      ref={box}
      class="list"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={index >= first && index < last ? idOf(items[index]!) : undefined}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
    >
      {items.length === 0 ? (
        <div class="list-empty">{props.empty}</div>
      ) : (
        <div class="list-whole" style={{ height: `${items.length * rowHeight}px` }}>
          {items.slice(first, last).map((item, offset) => {
            const isChosen = keyOf(item) === chosen
            return (
              <div
                key={keyOf(item)}
                id={idOf(item)}
                role="option"
                aria-selected={isChosen}
                aria-setsize={items.length}
                aria-posinset={first + offset + 1}
                class={`list-row${isChosen ? ' chosen' : ''}`}
                style={{ top: `${(first + offset) * rowHeight}px`, height: `${rowHeight}px` }}
                onClick={() => onChoose(item)}
              >
                {row(item)}
              </div>
            )
          })}
        </div>
      )}
    </div>
  )
}
