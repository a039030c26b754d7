// Exports the machines' definitions for documents. Load it only when needed: the layout library is large.

import { allMachines } from '../machines/all-machines.ts'
import type { MachineChart } from '../wire/machine-chart.ts'
import { layOut } from './lay-out.ts'
import { toMermaid } from './mermaid.ts'
import { outlineOf } from './outline.ts'
import { toSvg } from './svg.ts'

export interface Exported {
  readonly machine: string
  readonly states: number
  readonly transitions: number
  /** In lines, because the display escapes line ends within a text. */
  readonly mermaid?: readonly string[]
  readonly svg?: readonly string[]
  readonly chart?: MachineChart
}

/** Every machine, or the one of that name; empty when there is none. */
export async function exportMachines(
  name: string | undefined,
  form: { readonly mermaid: boolean; readonly svg: boolean; readonly chart: boolean },
): Promise<Exported[]> {
  const wanted = allMachines.filter(({ id }) => name === undefined || name === id)
  return Promise.all(
    wanted.map(async (machine): Promise<Exported> => {
      const { id, nodes, edges } = outlineOf(machine)
      const chart = form.svg || form.chart ? await layOut(machine) : undefined
      return {
        machine: id,
        states: nodes.length - 1,
        transitions: edges.length,
        ...(form.mermaid && { mermaid: toMermaid(machine).split('\n') }),
        ...(form.svg && chart && { svg: toSvg(chart).trimEnd().split('\n') }),
        ...(form.chart && chart && { chart }),
      }
    }),
  )
}
