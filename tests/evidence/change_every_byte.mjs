#!/usr/bin/env node
// Has verify_container.mjs judge a container as it is, which it must accept, and with each byte changed, which it must
// refuse: first as it lies there, then, for the bytes of every file, with the checksums put right.
//
//   node change_every_byte.mjs FILE.asice --anchor CA… --tsa-anchor TSA… [--ballot-id HEX]
import process, { argv, stdout } from 'node:process';
import { crc32, judge, readCommand } from './verify_container.mjs';

const command = await readCommand(argv.slice(2));
const accepts = (container) => judge({ ...command, container }, () => {});
const { container } = command;
const wrong = [];
let changes = 0;

async function change(at, repair) {
  const bytes = Buffer.from(container);
  bytes[at] ^= 1 << at % 8;
  if (repair) repair(bytes);
  changes += 1;
  if (await accepts(bytes)) wrong.push(`${at}${repair ? ', with its checksum' : ''}`);
}

if (!(await accepts(container))) wrong.push('none: it is refused as it is');
for (let at = 0; at < container.length; at++) await change(at);

// Files stand one after the other, stored; the directory names them in the same order.
let central = container.readUInt32LE(container.length - 6);
for (let local = 0; container.readUInt32LE(local) === 0x04034b50; ) {
  const begin = local + 30 + container.readUInt16LE(local + 26);
  const end = begin + container.readUInt32LE(local + 22);
  const places = [local + 14, central + 16];
  for (let at = begin; at < end; at++)
    await change(at, (bytes) => places.forEach((place) => bytes.writeUInt32LE(crc32(bytes.subarray(begin, end)), place)));
  central += 46 + container.readUInt16LE(central + 28);
  local = end;
}
stdout.write(`${changes} changes, ${wrong.length} wrong verdicts\n${wrong.map((each) => `byte ${each}\n`).join('')}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
