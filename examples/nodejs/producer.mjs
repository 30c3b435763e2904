// A producer for MiniMCP: what a message is on the wire stands in docs/messages.md.
//
//   node producer.mjs create --user UUID --type figma --minutes 60
//   node producer.mjs send instances.delete.v1 '{"instance_id": "…"}'
//   node producer.mjs store-key --user UUID --type figma < key.txt
//   node producer.mjs logs INSTANCE_ID < server.log
//
// REDIS_URL says where; it is redis://localhost:6379 if left out.  SEALING_KEY is the public key that keys are sealed
// with, NAME:hpke-public:BASE64.

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { createClient, ErrorReply } from "@redis/client";

const QUEUES = ["instances", "keys", "services", "health", "logs", "gateway", "maintenance", "users"];
const MAX_BYTES = 1_048_576;
const MAX_LINES = 1_000;
const MAX_LINE = 65_536;

/** Make a UUID of version 7: 48 bits of time, so ids sort by it, and 74 random ones. */
export function uuid7(now = Date.now()) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Put a payload into its envelope. Keep the result to send it again: its id makes the effect happen once. */
export function seal(wireName, payload, id = uuid7()) {
  const queue = wireName.split(".")[0];
  if (!QUEUES.includes(queue)) {
    throw new RangeError(`${wireName} has no queue: the queues are ${QUEUES.join(", ")}`);
  }
  const envelope = JSON.stringify({
    queue_name: queue,
    actor_name: wireName,
    args: [{ occurred_at: new Date().toISOString(), ...payload }],
    kwargs: {},
    options: { redis_message_id: id },
    message_id: id,
    message_timestamp: Date.now(),
  });
  if (Buffer.byteLength(envelope) > MAX_BYTES) {
    throw new RangeError(`${wireName} is over ${MAX_BYTES} bytes: send smaller batches`);
  }
  return { id, queue, envelope };
}

/** Enqueue all messages in one transaction; if the reply is lost, send the same ones once more. */
export async function enqueue(client, messages, attempts = 2) {
  const transaction = client.multi();
  for (const { id, queue, envelope } of messages) {
    transaction.hSet(`dramatiq:${queue}.msgs`, id, envelope).rPush(`dramatiq:${queue}`, id);
  }
  try {
    await transaction.exec();
  } catch (error) {
    if (attempts === 1 || error instanceof ErrorReply) throw error;
    await enqueue(client, messages, attempts - 1);
  }
}

/** Ask for an instance. The token is shown this once: only its hash travels. */
async function create(client, { user, type, minutes }) {
  const accessToken = randomBytes(32).toString("base64url");
  const instanceId = uuid7();
  const message = seal("instances.create.v1", {
    instance_id: instanceId,
    user_id: user,
    mcp_type: type,
    duration_minutes: minutes === undefined ? null : Number(minutes),
    access_token_hash: createHash("sha256").update(accessToken).digest("hex"),
    access_token_hint: accessToken.slice(-4),
  });
  await enqueue(client, [message]);
  return { instance_id: instanceId, access_token: accessToken, message_id: message.id };
}

/** Seal a key for one message: it opens in no other, and only the workers can open it. */
export async function sealKey(sealingKey, apiKey, { wireName, userId, subject, messageId }) {
  const [name, mark, encoded] = (sealingKey ?? "").split(":");
  if (mark !== "hpke-public") throw new Error("SEALING_KEY is no public sealing key: NAME:hpke-public:BASE64");
  const parts = ["minimcp sealed key 1", name, wireName, userId, subject, messageId].map((part) => Buffer.from(part));
  const info = Buffer.concat(parts.flatMap((part) => [uint32(part.length), part]));
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const recipientPublicKey = await suite.kem.deserializePublicKey(Buffer.from(encoded, "base64"));
  const sender = await suite.createSenderContext({ recipientPublicKey, info });
  const ciphertext = await sender.seal(Buffer.from(apiKey));
  const bytes = Buffer.concat([sender.enc, ciphertext].map((part) => Buffer.from(part)));
  return { recipient: name, ciphertext: bytes.toString("base64") };
}

function uint32(number) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

/** Store a user's key, which comes on standard input: a process list would show it. */
async function storeKey(client, { user, type }) {
  const id = uuid7();
  const userId = user.toLowerCase();
  const apiKey = readFileSync(process.stdin.fd, "utf8").trim();
  const binding = { wireName: "keys.store.v1", userId, subject: type, messageId: id };
  const sealedKey = await sealKey(process.env.SEALING_KEY, apiKey, binding);
  const message = seal(binding.wireName, { user_id: userId, mcp_type: type, sealed_key: sealedKey }, id);
  await enqueue(client, [message]);
  return { message_id: id };
}

async function send(client, wireName, json) {
  const message = seal(wireName, JSON.parse(json));
  await enqueue(client, [message]);
  return { message_id: message.id };
}

/** Ship the lines of standard input in batches that fit into a message. */
async function logs(client, instanceId) {
  let count = 0;
  let bytes = 0;
  let lines = [];
  const ship = async () => {
    if (lines.length > 0) await enqueue(client, [seal("logs.emitted.v1", { lines })]);
    count += lines.length;
    bytes = 0;
    lines = [];
  };
  for await (const text of createInterface({ input: process.stdin })) {
    const line = { instance_id: instanceId, timestamp: new Date().toISOString(), message: text.slice(0, MAX_LINE) };
    const size = Buffer.byteLength(JSON.stringify(line)) + 1;
    if (lines.length === MAX_LINES || bytes + size > MAX_BYTES - 1_024) await ship();
    lines.push(line);
    bytes += size;
  }
  await ship();
  return { lines: count };
}

async function main() {
  const options = { user: { type: "string" }, type: { type: "string" }, minutes: { type: "string" } };
  const { positionals, values } = parseArgs({ allowPositionals: true, options });
  const [command, ...rest] = positionals;
  const commands = {
    create: (client) => create(client, values),
    "store-key": (client) => storeKey(client, values),
    send,
    logs,
  };
  if (!Object.hasOwn(commands, command ?? "")) {
    throw new Error("say what to do: create, store-key, send or logs");
  }
  const client = createClient({ url: process.env.REDIS_URL ?? "redis://localhost:6379" });
  client.on("error", (error) => console.error(`Redis: ${error.message}`));
  await client.connect();
  try {
    console.log(JSON.stringify(await commands[command](client, ...rest)));
  } finally {
    await client.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  });
}
