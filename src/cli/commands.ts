// Every command there is, in the order in which the help lists them.

import { accountCommands } from './account.ts'
import { agentCommands } from './agent.ts'
import { clusterCommands } from './cluster.ts'
import type { Command } from './command.ts'
import { downloadCommands } from './download.ts'
import { groupCommands } from './group.ts'
import { limitCommands } from './limit.ts'
import { machineCommands } from './machines.ts'
import { shareCommands } from './share.ts'
import { createShell } from './shell.ts'
import { trackerCommands } from './tracker.ts'
import { trustCommand } from './trust.ts'
import { visualizerCommands } from './visualizer.ts'

const atAnyPrompt: readonly Command[] = [
  ...accountCommands,
  trustCommand,
  ...groupCommands,
  ...shareCommands,
  ...downloadCommands,
  ...limitCommands,
  ...agentCommands,
  ...clusterCommands,
  ...trackerCommands,
  ...machineCommands,
  ...visualizerCommands,
]

export const commands: readonly Command[] = [...atAnyPrompt, createShell(atAnyPrompt)]
