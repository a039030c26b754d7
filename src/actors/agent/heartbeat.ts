// What a device says and hears as long as it is logged in: its beats, by which trackers know that it is there, and the
// notices to its person. It notices when the brokers were away (then notices may be missing) and when the log-in itself is
// void. A notice may be lost, and a ticket outlives what it was given for: so the trackers are asked about everybody who
// is served, steadily, whenever somebody comes, and when the brokers are back. It never ends by itself.

import { errors, type NatsConnection } from 'nats'
import { fromCallback } from 'xstate'
import { presenceTunables } from '../../../config/client.ts'
import { uploadTunables } from '../../../config/swarm.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import type { HeartbeatCommand, SessionServicesEvent } from '../../machines/session-services.ts'
import type { Heartbeat } from '../../wire/heartbeat.ts'
import { parseJson } from '../../wire/json.ts'
import { type Notice, noticeSchema } from '../../wire/notice.ts'
import { noticeSubject, presenceSubject } from '../../wire/subjects.ts'
import type { ServedShare } from '../../wire/tracker-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'

export interface HeartbeatNeeds {
  readonly connection: NatsConnection
  readonly by: DeviceRef
  readonly trackers: TrackerClient
  /** Shares of which this device has some pieces. */
  fetching(): readonly string[]
  /** What this device serves right now, and to whom. */
  served(): ServedShare[]
  /** Where peers connect, if the desk is open by now. */
  port(): number | undefined
  isRevoked(): Promise<boolean>
  /** Client addresses of the cluster's brokers. */
  onServers(servers: readonly string[]): void
}

/** A beat has room for that many (wire/tracker-api.ts). */
const mostFetching = 1000
/** Notices remembered, to drop the copies of the other trackers. */
const rememberedNotices = 256

export const createHeartbeat = (needs: HeartbeatNeeds) =>
  fromCallback<HeartbeatCommand>(({ sendBack, receive }) => {
    const { connection, by, trackers } = needs
    const tell = (event: SessionServicesEvent) => sendBack(event)
    let isUp = true
    let isProbing = false
    let hasEnded = false
    let isAsking = false
    let isWantedAgain = false

    const beat = () => {
      const port = needs.port()
      // What is published while there is no broker would be sent late, and say what is no longer so.
      if (!isUp || port === undefined || connection.isClosed() || !connection.info) return
      const online: Heartbeat = { state: 'online', port, fetching: needs.fetching().slice(0, mostFetching) }
      connection.publish(presenceSubject(by, connection.info.client_ip ?? ''), JSON.stringify(online))
    }

    const recheckAccess = async () => {
      isWantedAgain = isAsking
      const shares = needs.served()
      if (isAsking || shares.length === 0 || hasEnded) return
      isAsking = true
      const answer = await trackers.ask('serving.recheck', { shares })
      isAsking = false
      if (hasEnded) return
      if (answer.ok) {
        const { seq, epoch, withdrawn } = answer.value
        for (const one of withdrawn)
          tell({ type: 'access.withdrawn', withdrawal: { ...one, seq, ...(epoch ? { epoch } : {}) } })
        if (withdrawn.length > 0) tell({ type: 'notices.missed' })
      } else if (answer.code === 'not-logged-in') tell({ type: 'session.revoked' })
      if (isWantedAgain) recheckAccess()
    }

    const known = new Set<string>()
    const onNotice = (notice: Notice) => {
      const key = JSON.stringify(notice)
      if (known.has(key)) return
      known.add(key)
      if (known.size > rememberedNotices) known.delete(known.values().next().value!)
      trackers.advance(notice.seq, notice.epoch)
      if (notice.type === 'access.revoked') {
        const { user, group, seq, epoch } = notice
        tell({
          type: 'access.withdrawn',
          withdrawal: { kind: 'membership', user, group, seq, ...(epoch ? { epoch } : {}) },
        })
        if (user !== by.user) return
      }
      tell({ type: 'notice.received', notice })
    }
    const subscription = connection.subscribe(noticeSubject(by.user), {
      callback: (error, message) => {
        if (error) throw error
        const notice = noticeSchema.safeParse(parseJson(message.data))
        if (notice.success) onNotice(notice.data)
      },
    })

    const probe = async () => {
      if (isProbing) return
      isProbing = true
      const revoked = await needs.isRevoked().catch(() => false)
      isProbing = false
      if (revoked && !isUp && !hasEnded) tell({ type: 'session.revoked' })
    }

    const follow = async () => {
      for await (const status of connection.status()) {
        if (hasEnded) return
        if (status.type === 'disconnect') isUp = false
        if (status.type === 'update' || status.type === 'reconnect') noteServers()
        if (status.type === 'error' && !isUp && status.error instanceof errors.AuthorizationError) probe()
        if (status.type === 'reconnect') {
          isUp = true
          beat()
          recheckAccess()
          tell({ type: 'notices.missed' })
        }
      }
    }
    const noteServers = () => needs.onServers(connection.info?.connect_urls ?? [])

    receive(({ type }) => (type === 'peer.admitted' ? recheckAccess() : beat()))
    const beating = setInterval(beat, presenceTunables.heartbeatEveryMs)
    const rechecking = setInterval(recheckAccess, uploadTunables.recheckEveryMs)
    beat()
    recheckAccess()
    noteServers()
    follow()
    return () => {
      hasEnded = true
      clearInterval(beating)
      clearInterval(rechecking)
      subscription.unsubscribe()
    }
  })
