// A machine's definition as a drawing: its states as boxes, its transitions as edges with their labels, laid out.
// Made from the definitions that run (src/charts), for `shoal machines` and for the visualizer; units are CSS pixels.

import * as z from 'zod'

/** Labels are measured as text of a fixed-width font of this size: a letter is `chartFont.letterWidth` wide. */
export const chartFont = { sizePx: 12, letterWidth: 7.25, lineHeight: 16 } as const

const box = { x: z.number(), y: z.number(), width: z.number(), height: z.number() }

const chartNodeSchema = z.strictObject({
  /** XState's id of the state node: "download.fetching.locating"; the machine's own id is the root's. */
  id: z.string(),
  /** Its name within its parent. */
  key: z.string(),
  parent: z.string().nullable(),
  kind: z.enum(['atomic', 'compound', 'parallel', 'final', 'history']),
  /** Entered first when its parent is. */
  isInitial: z.boolean(),
  /** Names of the actors that run in it. */
  invokes: z.array(z.string()),
  entry: z.array(z.string()),
  exit: z.array(z.string()),
  /** The lines under its key, as measured: "entry / locate". */
  lines: z.array(z.string()),
  /** Absolute: the root is at 0, 0. Children lie within their parent. */
  ...box,
})
export type ChartNode = z.infer<typeof chartNodeSchema>

const chartEdgeSchema = z.strictObject({
  /** `SOURCE|EVENT|INDEX`, as in a step's transitions (wire/inspection.ts); with `|TARGET` behind it where there are several. */
  id: z.string(),
  source: z.string(),
  /** Null: it changes no state; drawn as a line of text in its source. */
  target: z.string().nullable(),
  event: z.string(),
  /** The event for people: "after locateEvery", "always", "done: connect". */
  label: z.string(),
  guard: z.string().nullable(),
  actions: z.array(z.string()),
  /** Leaves its source even when the target lies within it. */
  isReentering: z.boolean(),
  /** Where it runs, absolute; at least two when there is a target. */
  points: z.array(z.tuple([z.number(), z.number()])),
  /** Where its label stands: `text` is the label with guard, in lines. */
  text: z.strictObject({ lines: z.array(z.string()), ...box }).nullable(),
})
export type ChartEdge = z.infer<typeof chartEdgeSchema>

export const machineChartSchema = z.strictObject({
  /** The machine's id: "download". */
  id: z.string(),
  /** Of its definition: the same in a running process of the same version. */
  digest: z.string(),
  width: z.number(),
  height: z.number(),
  /** Parents before their children; the first is the machine itself. */
  nodes: z.array(chartNodeSchema),
  edges: z.array(chartEdgeSchema),
})
export type MachineChart = z.infer<typeof machineChartSchema>
