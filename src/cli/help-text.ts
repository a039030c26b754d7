// What the main help says around the list of commands.

import { classics } from './classic-names.ts'

/** What each noun is about, for the list of commands and its own help. */
export const nounSummaries: Readonly<Record<string, string>> = {
  cluster: 'Run brokers and trackers on this machine.',
  'cluster user': 'List, make, disable, reset and delete accounts, as the operator of this cluster.',
  'cluster group': 'Hand over groups, as the operator of this cluster.',
  tracker: 'Run one tracker by itself.',
  agent: "Run this device's background client, which shares and downloads.",
  group: 'Create, join and manage groups.',
  device: 'Log out another device of yours.',
  account: 'End your account.',
}

export const helpIntroduction = `Shoal shares files within private groups. Downloads fetch pieces from every member who has them.

  To run a cluster       shoal cluster up, once, on one machine
  To join one            export SHOAL_SERVERS=ADDRESS, as the person who runs it gives it
  Each person            shoal signup USER, then shoal login USER
  Groups                 shoal group create G | group join G | group accept G USER
  Files                  shoal share PATH G | files G | download G NAME DEST --wait`

const inLines = (names: readonly string[], perLine = 6) =>
  Array.from(
    { length: Math.ceil(names.length / perLine) },
    (_, line) => `  ${names.slice(line * perLine, (line + 1) * perLine).join(' ')}`,
  ).join('\n')

export const helpEnd = `
The assignment's names work too:
${inLines(classics.map(({ name }) => name))}
Here quit is shoal cluster down: it stops the cluster of this home. Inside shoal shell it only leaves the prompt.

Environment: SHOAL_HOME, SHOAL_SERVERS, SHOAL_PASSWORD, SHOAL_NEW_PASSWORD, NO_COLOR.`
