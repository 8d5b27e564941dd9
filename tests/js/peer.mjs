// A js-libp2p peer for the tests. One argument, JSON: {address, key (hex, or null), topics, seed (hex, optional)}.
// With a seed its identity is that Ed25519 key, else a new one.
// Prints JSON lines: {event: "ready" | "connected" | "subscribed" | "message" | "answer" | "error", …}.
// Takes JSON lines on stdin; the end of stdin ends the peer:
//   {topic, data} or {topic, hex}     publishes a text, or raw bytes
//   {subscribe: topic}                subscribes
//   {ask, protocol, frames: [hex, …]} opens a stream, sends the frames, prints {event: "answer", ask, frames}, or an
//                                     error with the same number as ask
import { createHash } from 'node:crypto'
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
const { generateKeyPairFromSeed } = await import('@libp2p/crypto/keys')
const { gossipsub } = await import('@libp2p/gossipsub')
const { preSharedKey } = await import('@libp2p/pnet')
const { multiaddr } = await import('@multiformats/multiaddr')

const options = JSON.parse(process.argv[2])
const say = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n')
const swarmKey = `/key/swarm/psk/1.0.0/\n/base16/\n${options.key}`

const fromHex = (text) => Uint8Array.from(Buffer.from(text, 'hex'))
const toHex = (bytes) => Buffer.from(bytes).toString('hex')
const seed = options.seed ? { privateKey: await generateKeyPairFromSeed('Ed25519', fromHex(options.seed)) } : {}

const node = await createLibp2p({
  ...seed,
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

// Canonical JSON (RFC 8785): JavaScript's own form of strings and numbers, keys in the order of their UTF-16 units.
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`
}

// docs/protocol.md, section 4: whether the author signed the header of this entry; null for what is no entry.
const signedEntry = async (topic, data, author) => {
  let value
  try {
    value = JSON.parse(new TextDecoder().decode(data))
  } catch {
    return null
  }
  if (value?.log === undefined) return null
  const { log: { sig, ...place }, ...envelope } = value
  const body = Buffer.from(canonical(envelope))
  const header = canonical({
    ...place,
    topic,
    author: envelope.from,
    type: envelope.type,
    body_hash: createHash('sha256').update(body).digest('hex'),
    body_size: body.length
  })
  return envelope.from === author.toString() && author.publicKey.verify(Buffer.from(`chorus/feed/1\0${header}`), fromHex(sig))
}

node.services.pubsub.addEventListener('message', async ({ detail }) => {
  say('message', {
    topic: detail.topic,
    from: detail.from?.toString(),
    signed: detail.type === 'signed',
    data: new TextDecoder().decode(detail.data),
    hex: toHex(detail.data),
    entry: await signedEntry(detail.topic, detail.data, detail.from)
  })
})
node.services.pubsub.addEventListener('subscription-change', ({ detail }) => {
  say('subscribed', { peer: detail.peerId.toString(), topics: detail.subscriptions })
})
for (const topic of options.topics) node.services.pubsub.subscribe(topic)
say('ready', { peer: node.peerId.toString(), addresses: node.getMultiaddrs().map(String) })

// Frames of a stream: a 4-byte big-endian length, then that many bytes.
const framed = (bytes) => {
  const frame = new Uint8Array(4 + bytes.length)
  new DataView(frame.buffer).setUint32(0, bytes.length)
  frame.set(bytes, 4)
  return frame
}

const unframed = (bytes) => {
  const frames = []
  while (bytes.length >= 4) {
    const length = bytes.readUInt32BE(0)
    frames.push(toHex(bytes.subarray(4, 4 + length)))
    bytes = bytes.subarray(4 + length)
  }
  return frames
}

const ask = async (number, protocol, frames) => {
  const [connection] = node.getConnections()
  const stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(5000) })
  for (const frame of frames) stream.send(framed(fromHex(frame)))
  await stream.close() // our half
  const received = []
  for await (const part of stream) received.push(part.subarray())
  say('answer', { ask: number, frames: unframed(Buffer.concat(received)) })
}

const obey = async (command) => {
  if (command.subscribe !== undefined) node.services.pubsub.subscribe(command.subscribe)
  else if (command.protocol !== undefined) await ask(command.ask, command.protocol, command.frames)
  else {
    const bytes = command.hex === undefined ? new TextEncoder().encode(command.data) : fromHex(command.hex)
    await node.services.pubsub.publish(command.topic, bytes)
  }
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const command = JSON.parse(line)
    try {
      await obey(command)
    } catch (error) {
      say('error', { ask: command.ask, reason: String(error) })
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
