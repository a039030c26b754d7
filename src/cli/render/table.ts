// Tables without borders: a bold header, columns two spaces apart, plain text when piped.

import Table from 'cli-table3'
import type { Style } from './style.ts'

export interface Column<Row> {
  readonly head: string
  readonly align?: 'left' | 'right'
  cell(row: Row): string | number
}

const borders = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
const noBorders = Object.fromEntries(
  [...borders, 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'].map(border => [border, '']),
)

export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], style: Style): string {
  const table = new Table({
    chars: { ...noBorders, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: columns.map(({ align }) => align ?? 'left'),
    head: columns.map(({ head }) => style('bold', head)),
  })
  table.push(...rows.map(row => columns.map(({ cell }) => String(cell(row)))))
  return table.toString().replaceAll(/ +$/gm, '')
}
