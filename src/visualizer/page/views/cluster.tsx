// The cluster as the viewer may see it: brokers, trackers and whether they agree, devices online, groups.

import { formatBytes, formatDuration, formatRate } from '../../../domain/quantities.ts'
import { model } from '../data/page-state.ts'
import { formatCount } from '../format.ts'
import { State } from './downloads.tsx'
import { EmptyView } from './empty-view.tsx'

/** What the server could not ask is left out. */
const unknown = ''
const or = <T,>(value: T | null, show: (value: T) => string): string => (value === null ? unknown : show(value))

export function Cluster() {
  const { cluster } = model()
  if (!cluster) return <EmptyView about="Nothing is known about the cluster yet." />
  const { brokers, trackers, devices, groups, problems } = cluster
  return (
    <div class="cluster">
      {problems.map(problem => (
        <p key={problem} class="warning wide" role="status">
          {problem}
        </p>
      ))}
      <section class="wide" aria-label="Brokers">
        <h2>Brokers</h2>
        {brokers === null ? (
          <p class="soft">They run on another machine, so this page cannot monitor them.</p>
        ) : (
          <div class="cards">
            {brokers.map(broker => (
              <article key={broker.name} class="panel" data-broker={broker.name} data-state={broker.state}>
                <div class="line">
                  <h3>{broker.name}</h3>
                  {broker.leader && <span class="badge">leads the log</span>}
                  <State state={broker.state} />
                </div>
                <dl class="facts">
                  <Fact
                    name="behind"
                    value={or(broker.lag, lag => (lag === 0 ? 'nothing' : `${formatCount(lag)} entries`))}
                  />
                  <Fact
                    name="messages"
                    value={or(broker.messagesPerSecond, each => `${formatCount(Math.round(each))}/s`)}
                  />
                  <Fact name="traffic" value={or(broker.bytesPerSecond, formatRate)} />
                  <Fact name="connections" value={or(broker.connections, formatCount)} />
                  <Fact name="memory" value={or(broker.memoryBytes, formatBytes)} />
                  <Fact name="up" value={or(broker.uptimeSeconds, formatDuration)} />
                </dl>
              </article>
            ))}
          </div>
        )}
      </section>
      <section class="wide" aria-label="Trackers">
        <h2>Trackers</h2>
        <div class="cards">
          {trackers.map(tracker => (
            <article key={tracker.name} class="panel" data-tracker={tracker.name} data-state={tracker.state}>
              <div class="line">
                <h3>{tracker.name}</h3>
                {tracker.isEqual !== null && (
                  <span class={`badge ${tracker.isEqual ? 'good' : 'bad'}`}>
                    {tracker.isEqual ? '= agrees' : '≠ differs'}
                  </span>
                )}
                <State state={tracker.state} />
              </div>
              <dl class="facts">
                <Fact name="sequence" value={formatCount(tracker.seq)} />
                <Fact name="behind" value={tracker.lag === 0 ? 'nothing' : `${formatCount(tracker.lag)} entries`} />
                <Fact name="digest" value={tracker.digest.slice(0, 10)} />
                <Fact name="requests" value={or(tracker.requestsPerSecond, each => `${each.toFixed(1)}/s`)} />
                <Fact name="devices online" value={or(tracker.online, formatCount)} />
                <Fact name="up" value={formatDuration(tracker.uptimeSeconds)} />
              </dl>
            </article>
          ))}
        </div>
      </section>
      <section class="panel" aria-label="Devices online">
        <h3>Devices online</h3>
        {devices === null ? (
          <p class="soft">Not known here.</p>
        ) : (
          <ul class="plain">
            {devices.map(({ user, device, isYou, fetching }) => (
              <li key={`${user}/${device}`} class="line">
                <span class="dot active" aria-hidden="true" /> <span class="cut">{user}</span>
                <span class="faint mono">{device.slice(0, 6)}</span>
                {isYou && <span class="badge">this device</span>}
                <span class="soft end">{fetching > 0 ? `fetches ${formatCount(fetching)}` : ''}</span>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section class="panel" aria-label="Groups">
        <h3>Groups</h3>
        {groups === null ? (
          <p class="soft">Not known here.</p>
        ) : groups.length === 0 ? (
          <p class="soft">None yet.</p>
        ) : (
          <ul class="plain">
            {groups.map(({ group, owner, members, you, files }) => (
              <li key={group} class="line">
                <strong class="cut">{group}</strong>
                <span class="soft">of {owner}</span>
                {you !== 'none' && <span class="badge">{you}</span>}
                <span class="soft end">
                  {formatCount(members)} {members === 1 ? 'member' : 'members'}
                  {files === null ? '' : `, ${formatCount(files)} ${files === 1 ? 'file' : 'files'}`}
                </span>
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  )
}

const Fact = ({ name, value }: { readonly name: string; readonly value: string }) =>
  value === unknown ? null : (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
