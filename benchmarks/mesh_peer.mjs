// What mesh_peer.py is, over js-libp2p. One argument, JSON: {key (hex), address (null: listen)}.
import { createInterface } from 'node:readline'
import { createLibp2p } from 'libp2p'
import { tcp } from '@libp2p/tcp'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { gossipsub } from '@libp2p/gossipsub'
import { preSharedKey } from '@libp2p/pnet'
import { multiaddr } from '@multiformats/multiaddr'

const TOPIC = 'CHORUS/coordination/v1'
const ACK_EVERY = 16
const options = JSON.parse(process.argv[2])
const say = (told) => process.stdout.write(JSON.stringify(told) + '\n')
const swarmKey = `/key/swarm/psk/1.0.0/\n/base16/\n${options.key}`

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionProtector: preSharedKey({ psk: new TextEncoder().encode(swarmKey) }),
  services: { identify: identify(), ping: ping(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) }
})
const publish = (text) => node.services.pubsub.publish(TOPIC, Buffer.from(text))

let run = options.address === null ? -1 : 0
let taken = 0
let times = []
let acked = () => {}
const ack = () => new Promise((resolve) => { acked = resolve })

const listen = async (data, now) => {
  const [kind, of, count, sent] = data.toString('latin1', 0, 80).split(' ')
  if (kind !== 'm') return
  if (Number(of) !== run) { run = Number(of); times = [] }
  times.push(Number(now - BigInt(sent)))
  taken = times.length
  if (taken >= Number(count)) {
    const sorted = [...times].sort((a, b) => a - b)
    const told = [50, 95, 99].map((share) => sorted[Math.min(taken - 1, Math.floor(taken * share / 100))])
    await publish(`a ${run} ${taken} ${told.join(' ')}`)
  } else if (taken % ACK_EVERY === 0) await publish(`a ${run} ${taken}`)
}

const hearAck = (data) => {
  const [kind, of, got, ...told] = data.toString('latin1', 0, 80).split(' ')
  if (kind !== 'a' || Number(of) !== run) return
  taken = Math.max(taken, Number(got))
  times = told.map((part) => Number(part) / 1e9)
  acked()
}

const message = (count, size) => `m ${run} ${count} ${process.hrtime.bigint()} `.padEnd(size, 'x')
const seconds = () => Number(process.hrtime.bigint()) / 1e9
const pause = (s) => new Promise((resolve) => setTimeout(resolve, s * 1000))

const send = async ({ count, size, window = 0, rate = 0 }) => {
  run += 1; taken = 0; times = []
  const began = seconds()
  for (let number = 0; number < count; number++) {
    const wait = rate ? began + number / rate - seconds() : 0
    if (wait > 0) await pause(wait)
    while (window && number - taken >= window) await ack()
    await publish(message(count, size))
  }
  while (times.length === 0) await ack()
  say({ seconds: seconds() - began, taken, one_way_s: times })
}

node.services.pubsub.addEventListener('message', ({ detail }) => {
  const now = process.hrtime.bigint()
  const data = Buffer.from(detail.data)
  if (options.address === null) listen(data, now)
  else hearAck(data)
})
node.services.pubsub.subscribe(TOPIC)
if (options.address !== null) {
  await node.dial(multiaddr(options.address))
  while (times.length === 0) {
    await publish(message(1, 60))
    await Promise.race([ack(), pause(0.2)])
  }
}
say({ address: String(node.getMultiaddrs()[0]) })
createInterface({ input: process.stdin })
  .on('line', (line) => send(JSON.parse(line)))
  .on('close', () => process.exit(0))
