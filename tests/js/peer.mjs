// A js-libp2p peer for the tests. One argument, JSON: {address, key (hex, or null), topics}.
// Prints JSON lines: {event: "ready" | "connected" | "subscribed" | "message" | "error", …}.
// Takes JSON lines on stdin: {topic, data} publishes; the end of stdin ends the peer.
import { createInterface } from 'node:readline'

// libp2p 3.3 uses it, node 20 lacks it.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new Promise((yes, no) => { resolve = yes; reject = no })
  return { promise, resolve, reject }
}

const { createLibp2p } = await import('libp2p')
const { tcp } = await import('@libp2p/tcp')
const { noise } = await import('@libp2p/noise')
const { yamux } = await import('@libp2p/yamux')
const { identify } = await import('@libp2p/identify')
const { ping } = await import('@libp2p/ping')
const { gossipsub } = await import('@libp2p/gossipsub')
const { preSharedKey } = await import('@libp2p/pnet')
const { multiaddr } = await import('@multiformats/multiaddr')

const options = JSON.parse(process.argv[2])
const say = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n')
const swarmKey = `/key/swarm/psk/1.0.0/\n/base16/\n${options.key}`

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  ...(options.key === null ? {} : { connectionProtector: preSharedKey({ psk: new TextEncoder().encode(swarmKey) }) }),
  services: {
    identify: identify(),
    ping: ping(),
    pubsub: gossipsub({ allowPublishToZeroTopicPeers: true })
  }
})

node.services.pubsub.addEventListener('message', ({ detail }) => {
  say('message', {
    topic: detail.topic,
    from: detail.from?.toString(),
    signed: detail.type === 'signed',
    data: new TextDecoder().decode(detail.data)
  })
})
node.services.pubsub.addEventListener('subscription-change', ({ detail }) => {
  say('subscribed', { peer: detail.peerId.toString(), topics: detail.subscriptions })
})
for (const topic of options.topics) node.services.pubsub.subscribe(topic)
say('ready', { peer: node.peerId.toString(), addresses: node.getMultiaddrs().map(String) })

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { topic, data } = JSON.parse(line)
    try {
      await node.services.pubsub.publish(topic, new TextEncoder().encode(data))
    } catch (error) {
      say('error', { reason: String(error) })
    }
  })
  .on('close', async () => {
    await node.stop()
    process.exit(0)
  })

try {
  const connection = await node.dial(multiaddr(options.address), { signal: AbortSignal.timeout(5000) })
  say('connected', { peer: connection.remotePeer.toString() })
} catch (error) {
  say('error', { reason: String(error) })
}
