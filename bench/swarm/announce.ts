// A minimal HTTP tracker through which BitTorrent clients find each other (BEP 3, compact as in BEP 23), for one torrent:
//   node announce.ts PORT
// Prints `peers N` whenever a new peer has announced.

import { createServer } from 'node:http'

const intervalSeconds = 2
/** Address and port, 6 bytes each, in hex. */
const peers = new Set<string>()

createServer((request, response) => {
  const { searchParams } = new URL(request.url!, 'http://tracker')
  const address = request.socket.remoteAddress!.replace('::ffff:', '').split('.').map(Number)
  const port = Number(searchParams.get('port'))
  const me = Buffer.from([...address, port >> 8, port & 255]).toString('hex')
  if (searchParams.get('event') === 'stopped') peers.delete(me)
  else if (!peers.has(me)) {
    peers.add(me)
    console.log(`peers ${peers.size}`)
  }
  const others = Buffer.from([...peers].filter(peer => peer !== me).join(''), 'hex')
  const head = `d8:intervali${intervalSeconds}e12:min intervali${intervalSeconds}e5:peers${others.length}:`
  response.end(Buffer.concat([Buffer.from(head), others, Buffer.from('e')]))
}).listen(Number(process.argv[2]), () => console.log('listening'))
