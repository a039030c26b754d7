// A Debian archive in a folder, with one package, signed by a key of its own: for tests of what is taken from an archive,
// and what is not. OpenPGP is written by hand, because a bare machine can verify signatures but has nothing to sign with.

import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** An archive's signing key: Ed25519, as RFC 4880 and draft-koch-eddsa-for-openpgp write it. */
export class ArchiveKey {
  readonly #private: KeyObject
  readonly #public: Buffer
  readonly #fingerprint: Buffer

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    this.#private = privateKey
    const point = Buffer.concat([Buffer.of(0x40), Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')])
    const curve = Buffer.from('092b06010401da470f01', 'hex')
    this.#public = Buffer.concat([Buffer.of(4), uint32(madeAt), Buffer.of(eddsa), curve, integer(point)])
    this.#fingerprint = createHash('sha1').update(hashedKey(this.#public)).digest()
  }

  /** What apt's `signed-by` names. */
  keyring(): Buffer {
    const name = Buffer.from('Archive of a test <archive@test.invalid>')
    const certified = [hashedKey(this.#public), Buffer.of(0xb4), uint32(name.length), name]
    const mayCertifyAndSign = subpacket(27, Buffer.of(0x03))
    const self = this.#signature(0x13, Buffer.concat(certified), mayCertifyAndSign)
    return Buffer.concat([packet(6, this.#public), packet(13, name), packet(2, self)])
  }

  /** A detached signature, in ASCII: apt takes no other. */
  sign(data: Buffer): string {
    const signature = packet(2, this.#signature(0x00, data, Buffer.alloc(0))).toString('base64')
    return `-----BEGIN PGP SIGNATURE-----\n\n${signature.replace(/.{1,64}/g, '$&\n')}-----END PGP SIGNATURE-----\n`
  }

  #signature(type: number, data: Buffer, more: Buffer): Buffer {
    const signer = subpacket(33, Buffer.concat([Buffer.of(4), this.#fingerprint]))
    // GnuPG finds the key by this alone.
    const issuer = subpacket(16, this.#fingerprint.subarray(-8))
    const subpackets = Buffer.concat([subpacket(2, uint32(madeAt)), signer, issuer, more])
    const head = Buffer.concat([Buffer.of(4, type, eddsa, sha512), uint16(subpackets.length), subpackets])
    const trailer = Buffer.concat([Buffer.of(4, 0xff), uint32(head.length)])
    const digest = createHash('sha512').update(data).update(head).update(trailer).digest()
    const [r, s] = [sign(null, digest, this.#private)].flatMap(both => [both.subarray(0, 32), both.subarray(32)])
    return Buffer.concat([head, uint16(0), digest.subarray(0, 2), integer(r!), integer(s!)])
  }
}

/** Numbers of RFC 4880, section 9. */
const eddsa = 22
const sha512 = 10
/** An hour ago: clocks differ. */
const madeAt = Math.floor(Date.now() / 1000) - 3600

const uint16 = (value: number) => Buffer.of(value >> 8, value & 0xff)
function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const hashedKey = (key: Buffer) => Buffer.concat([Buffer.of(0x99), uint16(key.length), key])
/** All of ours are shorter than 192 bytes, which one byte of length can say. */
const packet = (tag: number, body: Buffer) => Buffer.concat([Buffer.of(0xc0 | tag, body.length), body])
const subpacket = (type: number, body: Buffer) => Buffer.concat([Buffer.of(body.length + 1, type), body])

/** A multiprecision integer: its length in bits, then its bytes without leading zeros. */
function integer(bytes: Buffer): Buffer {
  const digits = bytes.subarray(bytes.findIndex(byte => byte !== 0))
  return Buffer.concat([uint16(digits.length * 8 - Math.clz32(digits[0]!) + 24), digits])
}

export interface DebianArchive {
  /** For a line of sources.list. */
  readonly uri: string
  /** The package's file. */
  readonly deb: string
  /** The list of packages, which the release's hash covers. */
  readonly packages: string
  readonly release: string
  /** Signs the release as it is now; without a key, removes the signature. */
  signBy(key: ArchiveKey | undefined): void
}

/** The suite holds one package, a nats-server that says this version when run. */
export function createArchive(folder: string, suite: string, version: string): DebianArchive {
  const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()
  const control = `Package: nats-server\nVersion: ${version}-1\nArchitecture: ${architecture}\nMaintainer: Test <test@test.invalid>\nDescription: a test\n`
  const built = join(folder, 'built')
  write(join(built, 'DEBIAN/control'), control)
  const program = join(built, 'usr/sbin/nats-server')
  write(program, `#!/bin/sh\necho 'nats-server: v${version}'\n`)
  chmodSync(program, 0o755)
  const pool = 'pool/nats-server.deb'
  const deb = join(folder, pool)
  mkdirSync(dirname(deb), { recursive: true })
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', built, deb], { stdio: 'ignore' })
  rmSync(built, { recursive: true })

  const list = `main/binary-${architecture}/Packages`
  const release = join(folder, 'dists', suite, 'Release')
  const packages = join(folder, 'dists', suite, list)
  const { size, sha256 } = described(deb)
  write(packages, `${control}Filename: ${pool}\nSize: ${size}\nSHA256: ${sha256}\n`)
  const index = described(packages)
  const date = new Date(madeAt * 1000).toUTCString()
  write(
    release,
    `Suite: ${suite}\nCodename: ${suite}\nDate: ${date}\nArchitectures: ${architecture}\nComponents: main\nSHA256:\n ${index.sha256} ${index.size} ${list}\n`,
  )
  return {
    uri: `file:${folder}`,
    deb,
    packages,
    release,
    signBy(key) {
      rmSync(`${release}.gpg`, { force: true })
      if (key !== undefined) writeFileSync(`${release}.gpg`, key.sign(readFileSync(release)))
    },
  }
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

function described(file: string) {
  const bytes = readFileSync(file)
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}
