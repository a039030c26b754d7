// machines: the state machines that run, exported for documents from the very definitions.

import { done, refuse } from '../domain/refusal.ts'
import type { MachineChart } from '../wire/machine-chart.ts'
import { command, flag, type Result } from './command.ts'

interface Exported {
  readonly machine: string
  readonly states: number
  readonly transitions: number
  /** In lines: a text with line ends in it would be shown as one that tampers with the terminal. */
  readonly mermaid?: readonly string[]
  readonly svg?: readonly string[]
  readonly chart?: MachineChart
}

const options = {
  mermaid: flag('As a Mermaid state diagram.'),
  svg: flag('As a drawing, laid out.'),
  chart: flag('As data: every state, transition and place, as the visualizer draws it. With --json.'),
}

async function exported(name: string | undefined, form: { readonly [K in keyof typeof options]: boolean }) {
  const [{ allMachines }, { outlineOf }, { toMermaid }, { layOut }, { toSvg }] = await Promise.all([
    import('../machines/all-machines.ts'),
    import('../charts/outline.ts'),
    import('../charts/mermaid.ts'),
    import('../charts/lay-out.ts'),
    import('../charts/svg.ts'),
  ])
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

function render(machines: readonly Exported[]): string {
  return machines
    .map(({ machine, states, transitions, mermaid, svg }) => {
      return (svg ?? mermaid)?.join('\n') ?? `${machine}: ${states} states, ${transitions} transitions`
    })
    .join('\n')
}

const machines = command({
  words: 'machines',
  summary: 'The state machines that run here: their names, or one of them or all as diagrams.',
  example: 'machines download --mermaid',
  args: { 'name?': 'one machine; all when left out' },
  options,
  async run(_, { 'name?': name, ...form }): Promise<Result<Exported[]>> {
    const machines = await exported(name, form)
    return machines.length > 0 ? done(machines) : refuse('usage', 'there is no such machine; see shoal machines')
  },
  render,
})

export const machineCommands = [machines]
