// Every command there is, in the order in which the help lists them.

import type { Command } from './command.ts'
import { accountCommands } from './commands/account.ts'
import { agentCommands } from './commands/agent.ts'
import { clusterCommands } from './commands/cluster.ts'
import { deviceCommands } from './commands/device.ts'
import { downloadCommands } from './commands/download.ts'
import { groupCommands } from './commands/group.ts'
import { limitCommands } from './commands/limit.ts'
import { machineCommands } from './commands/machines.ts'
import { operatorCommands } from './commands/operator.ts'
import { shareCommands } from './commands/share.ts'
import { createShell } from './commands/shell.ts'
import { trackerCommands } from './commands/tracker.ts'
import { trustCommand } from './commands/trust.ts'
import { visualizerCommands } from './commands/visualizer.ts'

const atAnyPrompt: readonly Command[] = [
  ...accountCommands,
  ...deviceCommands,
  trustCommand,
  ...groupCommands,
  ...shareCommands,
  ...downloadCommands,
  ...limitCommands,
  ...agentCommands,
  ...clusterCommands,
  ...operatorCommands,
  ...trackerCommands,
  ...machineCommands,
  ...visualizerCommands,
]

export const commands: readonly Command[] = [...atAnyPrompt, createShell(atAnyPrompt)]
