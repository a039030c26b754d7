// Making and reading a cluster's secrets. They are made once and kept in one file that its owner alone can read;
// brokers get the public halves in their configuration, trackers get all of it when they start.

import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAccount, createCurve, createUser, fromCurveSeed, type KeyPair } from '@nats-io/nkeys'
import { openSeed } from '../actors/device/nkey.ts'
import { type ClusterSecrets, clusterSecretsSchema, type SecretSet } from '../wire/cluster-secrets.ts'
import { createAuthority } from './authority.ts'
import { ClusterFailure } from './cluster-failure.ts'
import { readClusterFile } from './read-cluster-file.ts'

export type { ClusterSecrets }

const fileOf = (folder: string) => join(folder, 'secrets.json')
const seedOf = (pair: KeyPair) => Buffer.from(pair.getSeed()).toString()

/** New secrets, without an authority. */
export const makeSecrets = (): SecretSet => ({
  issuerSeed: seedOf(createAccount()),
  xkeySeed: seedOf(createCurve()),
  trackerSeeds: { shoal: seedOf(createUser()), auth: seedOf(createUser()), sys: seedOf(createUser()) },
  ticketSecret: randomBytes(32).toString('base64url'),
  routePassword: randomBytes(32).toString('base64url'),
})

/** The secrets of the cluster in this folder, created if there are none. */
export function createSecrets(folder: string): ClusterSecrets {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const secrets: ClusterSecrets = makeSecrets()
  // Of several processes only one can create the hard link, and the file appears complete.
  const fresh = `${fileOf(folder)}.${process.pid}`
  writeFileSync(fresh, `${JSON.stringify(secrets, undefined, 2)}\n`, { mode: 0o600 })
  try {
    linkSync(fresh, fileOf(folder))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(fresh)
  }
  return loadSecrets(folder)
}

/** The same, with an authority for the brokers' certificates, created if missing, in every set of a rotation in progress too. */
export async function createAuthoritySecrets(folder: string): Promise<ClusterSecrets> {
  const secrets = createSecrets(folder)
  const { next } = secrets
  if (secrets.authority && (!next || next.authority)) return secrets
  const authority = secrets.authority ?? (await createAuthority())
  const successor = next && { next: { ...next, authority: next.authority ?? (await createAuthority(authority)) } }
  replaceSecrets(folder, { ...secrets, authority, ...successor })
  return loadSecrets(folder)
}

/** Call it only while holding the cluster's lock (cluster-lock.ts). */
export function replaceSecrets(folder: string, secrets: ClusterSecrets): void {
  const fresh = `${fileOf(folder)}.${process.pid}`
  writeFileSync(fresh, `${JSON.stringify(secrets, undefined, 2)}\n`, { mode: 0o600 })
  renameSync(fresh, fileOf(folder))
}

/** Throws ClusterFailure `no-cluster` when there are none, or when the file is not what createSecrets writes. */
export function loadSecrets(folder: string): ClusterSecrets {
  const file = fileOf(folder)
  const secrets = readClusterFile(file, clusterSecretsSchema, 'restore it from a copy')
  if (secrets) return secrets
  throw new ClusterFailure('no-cluster', `${file} is missing: start the cluster with shoal cluster up`)
}

/** The public halves, for the brokers' configuration. */
export function publicKeys({ issuerSeed, xkeySeed, trackerSeeds }: SecretSet): Record<string, string> {
  const publicOf = (seed: string) => openSeed(seed).publicKey
  return {
    CALLOUT_ISSUER: publicOf(issuerSeed),
    CALLOUT_XKEY: fromCurveSeed(Buffer.from(xkeySeed)).getPublicKey(),
    TRACKER_SHOAL: publicOf(trackerSeeds.shoal),
    TRACKER_AUTH: publicOf(trackerSeeds.auth),
    TRACKER_SYS: publicOf(trackerSeeds.sys),
  }
}
