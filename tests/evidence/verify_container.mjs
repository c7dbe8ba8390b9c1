#!/usr/bin/env node
// Verifies one ballot container (SPEC §9.3, §9.8, §9.9) with nothing but Node's built-ins: a second implementation,
// written from the specification. Signatures and hashes are WebCrypto's; ZIP, XML, DER, CMS and OCSP are read here.
//
//   node verify_container.mjs FILE.asice --anchor CA… --tsa-anchor TSA… [--ballot-id HEX]
//
// The authorities that the election trusts, for voters' certificates and for time-stamps, come in DER or PEM.
//
// Prints a line for each check and a verdict. Exit status: 0 accepted, 1 anything else.
// Not checked here, since the election's definition says it: policies, types of identity, weak keys, and whether the
// ballot itself (ballot.bin) is well-formed; nor that the ballot is in the log.
import { readFile } from 'node:fs/promises';
import process, { argv, stdout } from 'node:process';
import { pathToFileURL } from 'node:url';

const { subtle } = globalThis.crypto ?? (await import('node:crypto')).webcrypto; // global from Node 19 on

class Refusal extends Error {}
const refuse = (why) => {
  throw new Refusal(why);
};
const need = (condition, why) => condition || refuse(why);

// ---------------------------------------------------------------- bytes

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const ascii = (bytes) => Buffer.from(bytes).toString('latin1');
const same = (a, b) => Buffer.compare(a, b) === 0;
const hash = async (name, bytes) => Buffer.from(await subtle.digest(name, bytes));
const sha256 = (...parts) => hash('SHA-256', Buffer.concat(parts.map((part) => Buffer.from(part))));

/** Bytes of a text in base64, which must be the one text for these bytes. */
function base64(text, what) {
  const bytes = Buffer.from(text, 'base64');
  need(bytes.length > 0 && bytes.toString('base64') === text, `${what} is not base64 in its one form`);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, register) => {
  for (let bit = 0; bit < 8; bit++) register = (register >>> 1) ^ (register & 1 ? 0xedb88320 : 0);
  return register;
});
export function crc32(bytes) {
  let register = ~0;
  for (let i = 0; i < bytes.length; i++) register = (register >>> 8) ^ CRC_TABLE[(register ^ bytes[i]) & 255];
  return ~register >>> 0;
}

// ---------------------------------------------------------------- ZIP (APPNOTE.TXT 6.3.3)

/** [name, content] of every file. The whole archive must be what SPEC §9.3 leaves no choice about. */
function readArchive(zip) {
  const u16 = (at) => zip.readUInt16LE(at);
  const u32 = (at) => zip.readUInt32LE(at);
  const end = zip.length - 22;
  need(end >= 0 && u32(end) === 0x06054b50, 'no end of central directory in the last 22 bytes');
  const [count, size, directory] = [u16(end + 10), u32(end + 12), u32(end + 16)];
  need(u32(end + 4) === 0 && u16(end + 8) === count && u16(end + 20) === 0, 'several disks, or a comment');
  need(directory + size === end, 'the central directory does not end where its end begins');

  const files = [];
  let central = directory;
  let local = 0;
  for (let i = 0; i < count; i++) {
    need(central + 46 <= end && u32(central) === 0x02014b50, `directory entry ${i} is missing`);
    need(local + 30 <= directory && u32(local) === 0x04034b50, `local header ${i} is not where the last file ends`);
    need(u16(central + 4) === 10, `entry ${i}: version made by is not 10`);
    // version needed, flags, method, time, date, checksum, two sizes, length of the name, of extra fields
    const shared = zip.subarray(central + 6, central + 32);
    need(same(shared, zip.subarray(local + 4, local + 30)), `entry ${i}: the two headers contradict each other`);
    const fixed = [10, 0, 0, 0, 0x21];
    need(fixed.every((value, k) => shared.readUInt16LE(2 * k) === value), `entry ${i} is not stored plainly`);
    const [checksum, packed, unpacked] = [10, 14, 18].map((k) => shared.readUInt32LE(k));
    const [nameLength, extraLength] = [22, 24].map((k) => shared.readUInt16LE(k));
    need(packed === unpacked && extraLength === 0, `entry ${i}: sizes differ, or extra fields`);
    need(same(zip.subarray(central + 32, central + 42), Buffer.alloc(10)), `entry ${i}: comment, disk or attributes`);
    need(u32(central + 42) === local, `entry ${i}: the directory names another place`);
    const nameAt = local + 30;
    const contentAt = nameAt + nameLength;
    need(contentAt + unpacked <= directory && central + 46 + nameLength <= end, `entry ${i} is cut off`);
    const name = zip.subarray(nameAt, contentAt);
    need(same(name, zip.subarray(central + 46, central + 46 + nameLength)), `entry ${i}: two names`);
    const content = zip.subarray(contentAt, contentAt + unpacked);
    need(crc32(content) === checksum, `${ascii(name)}: wrong checksum`);
    files.push([ascii(name), content]);
    central += 46 + nameLength;
    local = contentAt + unpacked;
  }
  need(central === end && local === directory, 'bytes that belong to no file');
  return files;
}

// ---------------------------------------------------------------- XML

/**
 * Elements, attributes and text of a document in the narrow form that canonical XML has anyway: ASCII, double quotes,
 * one blank before each attribute, no empty-element tags, no comments, instructions, references, types or CDATA.
 * An element knows the offsets where it begins and ends.
 */
function parseXml(bytes) {
  const text = ascii(bytes);
  const tag = /<(\/?)([a-z]+:[A-Za-z0-9-]+)((?: [A-Za-z:0-9-]+="[^"<>&\t\r\n]*")*)>/y;
  const chars = /[!-%'-;=?-~]*/y; // no blanks, "<", ">" or "&"
  const root = { name: '', attributes: [], children: [], text: '' };
  const open = [root];
  for (let at = 0; at < text.length; ) {
    const parent = open.at(-1);
    tag.lastIndex = at;
    const found = tag.exec(text);
    if (found === null) {
      chars.lastIndex = at;
      const [run] = chars.exec(text);
      need(run !== '' && parent !== root && parent.children.length === 0, `not the XML of a container at byte ${at}`);
      parent.text = run;
      at += run.length;
      continue;
    }
    const [whole, slash, name, list] = found;
    if (slash) {
      need(parent.name === name && list === '', `</${name}> at byte ${at} closes nothing`);
      open.pop();
      parent.end = at + whole.length;
    } else {
      need(parent.text === '', `text and elements mixed at byte ${at}`);
      const attributes = [...list.matchAll(/ ([^=]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]);
      const element = { name, attributes, children: [], text: '', begin: at };
      parent.children.push(element);
      open.push(element);
    }
    at += whole.length;
  }
  need(open.length === 1 && root.children.length === 1, 'not one whole element');
  return root.children[0];
}

/**
 * The exclusive canonical form (W3C xml-exc-c14n) of an element, as the slice of the file where it stands.
 *
 * Why a slice suffices: canonicalization changes line ends, quotes, blanks in tags, empty-element tags, references,
 * comments, and the order of attributes, none of which parseXml lets through (the order is checked here); and it
 * moves namespace declarations. Of these, the exclusive form renders at an element exactly the prefixes which the
 * element itself uses, in its name or its attributes' names, and which no ancestor inside the slice has rendered with
 * the same value. If exactly those are declared at every element of the slice, then nothing is left to move.
 */
function canonicalSlice(document, element) {
  const check = (node, rendered, inScope) => {
    const declared = node.attributes.filter(([key]) => key.startsWith('xmlns:'));
    const plain = node.attributes.filter(([key]) => !key.startsWith('xmlns:'));
    need(!plain.some(([key]) => key === 'xmlns'), `${node.name} declares a default namespace`);
    const scope = { ...inScope };
    for (const [key, value] of declared) scope[key.slice(6)] = value;
    const used = new Set([node.name, ...plain.map(([key]) => key)].filter((n) => n.includes(':')).map((n) => n.split(':')[0]));
    const toRender = [...used].filter((prefix) => rendered[prefix] === undefined).sort();
    need(
      toRender.join() === declared.map(([key]) => key.slice(6)).join(),
      `${node.name} declares other namespaces than its exclusive canonical form`,
    );
    const keys = node.attributes.map(([key]) => key);
    const inOrder = [...declared.map(([key]) => key).sort(), ...plain.map(([key]) => key).sort()];
    need(keys.join() === inOrder.join() && new Set(keys).size === keys.length, `${node.name}: order of attributes`);
    const below = { ...rendered };
    for (const prefix of toRender) below[prefix] = scope[prefix];
    for (const child of node.children) check(child, below, scope);
  };
  check(element, {}, {});
  return document.subarray(element.begin, element.end);
}

/** What an element must be: name, attributes, and children or a function that takes its text. */
const el = (name, attributes, content = []) => ({ name, attributes: Object.entries(attributes), content });

/** Compares, element by element. An attribute's value may be a function that takes it, too. */
function match(node, expected, path = '') {
  const here = `${path}/${node?.name}`;
  need(node?.name === expected.name, `${path}: ${node?.name ?? 'nothing'} where ${expected.name} must be`);
  need(node.attributes.length === expected.attributes.length, `${here}: attributes too many or too few`);
  expected.attributes.forEach(([key, value], i) => {
    const [foundKey, found] = node.attributes[i];
    need(foundKey === key, `${here}: ${foundKey} where ${key} must be`);
    if (typeof value === 'function') value(found);
    else need(found === value, `${here}: ${key} is "${found}"`);
  });
  if (typeof expected.content === 'function') {
    need(node.children.length === 0, `${here} has elements`);
    expected.content(node.text);
    return;
  }
  need(node.children.length <= expected.content.length, `${here} has elements too many`);
  expected.content.forEach((child, i) => match(node.children[i], child, here));
  need(node.text === '', `${here} has text`);
}

// ---------------------------------------------------------------- DER (X.690)

const TAG = { boolean: 1, integer: 2, bits: 3, octets: 4, null: 5, oid: 6, enumerated: 10, utc: 23, time: 24 };
const SEQUENCE = 0x30;
const SET = 0x31;

/** One element and nothing behind it: tag, content, and its whole encoding. */
function der(bytes, tag, what) {
  const [first, ...rest] = derAll(bytes, what);
  need(first !== undefined && rest.length === 0, `${what}: not one element`);
  need(tag === undefined || first.tag === tag, `${what}: tag ${first.tag} where ${tag} must be`);
  return first;
}
/** The elements that the bytes are a sequence of. */
function derAll(bytes, what) {
  const out = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at];
    need((tag & 0x1f) !== 0x1f, `${what}: long tag`);
    let length = bytes[at + 1];
    let header = 2;
    need(length !== undefined && length !== 0x80 && length <= 0x83, `${what}: length`);
    if (length > 0x80) {
      header += length - 0x80;
      need(at + header <= bytes.length, `${what}: cut off`);
      length = bytes.readUIntBE(at + 2, header - 2);
      need(length >= 0x80 && length >= 2 ** (8 * (header - 3)), `${what}: length not in its shortest form`);
    }
    need(at + header + length <= bytes.length, `${what}: cut off`);
    const content = bytes.subarray(at + header, at + header + length);
    out.push({ tag, content, whole: bytes.subarray(at, at + header + length) });
    at += header + length;
  }
  return out;
}
/** Takes the elements of a constructed one in turn. */
class Fields {
  constructor(element, what) {
    this.rest = derAll(element.content, what);
    this.what = what;
  }
  take(tag, name) {
    const next = this.rest.shift();
    need(next?.tag === tag, `${this.what}: ${name} is missing`);
    return next;
  }
  optional(tag) {
    return this.rest[0]?.tag === tag ? this.rest.shift() : undefined;
  }
  end() {
    need(this.rest.length === 0, `${this.what}: more than it must hold`);
  }
}
const fieldsOf = (element, what) => new Fields(element, what);
const sequence = (bytes, what) => fieldsOf(der(bytes, SEQUENCE, what), what);

function oid({ content }) {
  need(content.length > 0 && content.at(-1) < 0x80, 'object identifier is cut off');
  const parts = [];
  let value = 0;
  for (const byte of content) {
    need(value !== 0 || byte !== 0x80, 'object identifier not in its shortest form');
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      parts.push(value);
      value = 0;
    }
  }
  const top = Math.min(2, Math.floor(parts[0] / 40));
  return [top, parts[0] - 40 * top, ...parts.slice(1)].join('.');
}
function integer({ content }, what) {
  need(content.length > 0, `${what}: empty integer`);
  const padded = content.length > 1 && ((content[0] === 0 && content[1] < 0x80) || (content[0] === 255 && content[1] > 127));
  need(!padded && content[0] < 0x80, `${what}: integer negative or not in its shortest form`);
  return BigInt(`0x${hex(content)}`);
}
function bitString({ content }, what) {
  need(content[0] === 0, `${what}: not whole bytes`);
  return content.subarray(1);
}
const isTrue = ({ content }, what) => need(content.length === 1 && content[0] === 0xff, `${what}: no DER boolean`);

/** Unix seconds; fractions, where allowed, are cut off. */
function time({ tag, content }, what, fractions = false) {
  const text = ascii(content);
  const form = tag === TAG.utc ? /^()(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)()Z$/ : /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{0,8}[1-9])?Z$/;
  need(tag === TAG.utc || tag === TAG.time, `${what}: no time`);
  const found = form.exec(text);
  need(found !== null && (fractions || !found[8]), `${what}: "${text}" is not a time of DER`);
  const [century, year, month, day, hours, minutes, seconds] = found.slice(1, 8);
  const fullYear = tag === TAG.utc ? (year < '50' ? '20' : '19') + year : century + year;
  need(tag !== TAG.time || fractions || what !== 'validity' || fullYear >= '2050', `${what}: GeneralizedTime before 2050`);
  const iso = `${fullYear}-${month}-${day}T${hours}:${minutes}:${seconds}.000Z`;
  const at = new Date(iso);
  need(!Number.isNaN(at.getTime()) && at.toISOString() === iso, `${what}: ${iso} does not exist`);
  return at.getTime() / 1000;
}
const show = (seconds) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

// ---------------------------------------------------------------- algorithms

const DIGESTS = {
  '2.16.840.1.101.3.4.2.1': 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
  '2.16.840.1.101.3.4.2.3': 'SHA-512',
};
const SIGNATURES = {
  '1.2.840.10045.4.3.2': ['ECDSA', 'SHA-256'],
  '1.2.840.10045.4.3.3': ['ECDSA', 'SHA-384'],
  '1.2.840.10045.4.3.4': ['ECDSA', 'SHA-512'],
  '1.2.840.113549.1.1.11': ['RSASSA-PKCS1-v1_5', 'SHA-256'],
  '1.2.840.113549.1.1.12': ['RSASSA-PKCS1-v1_5', 'SHA-384'],
  '1.2.840.113549.1.1.13': ['RSASSA-PKCS1-v1_5', 'SHA-512'],
};
const CURVES = {
  '1.2.840.10045.3.1.7': ['P-256', 32],
  '1.3.132.0.34': ['P-384', 48],
  '1.3.132.0.35': ['P-521', 66],
};

/** OBJECT IDENTIFIER of an AlgorithmIdentifier whose parameters are absent or NULL. */
function algorithm(element, what) {
  const fields = fieldsOf(element, what);
  const name = oid(fields.take(TAG.oid, 'algorithm'));
  const parameters = fields.optional(TAG.null);
  need(parameters === undefined || parameters.content.length === 0, `${what}: parameters`);
  fields.end();
  return { name, hasNull: parameters !== undefined };
}
const digestAlgorithm = (element, what) =>
  DIGESTS[algorithm(element, what).name] ?? refuse(`${what}: not SHA-256, SHA-384 or SHA-512`);
function signatureAlgorithm(element, what) {
  const { name, hasNull } = algorithm(element, what);
  const found = SIGNATURES[name] ?? refuse(`${what}: signature algorithm ${name}`);
  need(found[0] !== 'ECDSA' || !hasNull, `${what}: ECDSA with parameters`);
  return found;
}

/** A key for verifying: kind, size, and its bytes (the content of subjectPublicKey). */
function publicKey(info, what) {
  const fields = fieldsOf(info, what);
  const kind = fieldsOf(fields.take(SEQUENCE, 'algorithm'), what);
  const bits = bitString(fields.take(TAG.bits, 'key'), what);
  fields.end();
  const name = oid(kind.take(TAG.oid, 'kind of key'));
  if (name === '1.2.840.10045.2.1') {
    const [curve, bytes] = CURVES[oid(kind.take(TAG.oid, 'curve'))] ?? refuse(`${what}: another curve`);
    kind.end();
    need(bits[0] === 4 && bits.length === 1 + 2 * bytes, `${what}: not an uncompressed point`);
    return { kind: 'ECDSA', curve, bytes, info: info.whole, bits };
  }
  need(name === '1.2.840.113549.1.1.1', `${what}: neither an EC nor an RSA key`);
  need(kind.take(TAG.null, 'NULL').content.length === 0, `${what}: parameters`);
  kind.end();
  const numbers = sequence(bits, what);
  const modulus = integer(numbers.take(TAG.integer, 'modulus'), what);
  const exponent = integer(numbers.take(TAG.integer, 'exponent'), what);
  numbers.end();
  const length = modulus.toString(2).length;
  need(length >= 2048 && length <= 8192 && exponent >= 65537n, `${what}: an RSA key of ${length} bits`);
  return { kind: 'RSASSA-PKCS1-v1_5', length, info: info.whole, bits };
}

/** Ecdsa-Sig-Value as r‖s. */
function rawEcdsa(bytes, size, what) {
  const fields = sequence(bytes, what);
  const numbers = ['r', 's'].map((name) => integer(fields.take(TAG.integer, name), what).toString(16));
  fields.end();
  need(numbers.every((digits) => digits.length <= 2 * size), `${what}: number too large`);
  return Buffer.from(numbers.map((digits) => digits.padStart(2 * size, '0')).join(''), 'hex');
}
async function verifies(key, digest, signature, message) {
  const name = key.kind === 'ECDSA' ? { name: 'ECDSA', namedCurve: key.curve } : { name: key.kind, hash: digest };
  try {
    const imported = await subtle.importKey('spki', key.info, name, false, ['verify']);
    return await subtle.verify({ name: key.kind, hash: digest }, imported, signature, message);
  } catch {
    return false;
  }
}
/** A signature as certificates, CMS and OCSP hold it. */
async function verifySigned(key, [kind, digest], signature, message, what) {
  need(key.kind === kind, `${what}: the signature is not of the key's kind`);
  const raw = kind === 'ECDSA' ? rawEcdsa(signature, key.bytes, what) : signature;
  need(await verifies(key, digest, raw, message), `${what}: the signature does not verify`);
}

// ---------------------------------------------------------------- certificates (RFC 5280)

const EXTENSION = {
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  policies: '2.5.29.32',
  authorityKey: '2.5.29.35',
  subjectKey: '2.5.29.14',
  extendedKeyUsage: '2.5.29.37',
};
const PURPOSE = { timeStamping: '1.3.6.1.5.5.7.3.8', ocspSigning: '1.3.6.1.5.5.7.3.9' };
const NON_REPUDIATION = 1;
const KEY_CERT_SIGN = 5;

function extensionsOf(list, what) {
  const out = new Map();
  for (const element of derAll(list, what)) {
    need(element.tag === SEQUENCE, `${what}: extension`);
    const fields = fieldsOf(element, what);
    const name = oid(fields.take(TAG.oid, 'name of an extension'));
    const critical = fields.optional(TAG.boolean);
    if (critical) isTrue(critical, what);
    const value = fields.take(TAG.octets, 'value of an extension').content;
    fields.end();
    need(!out.has(name), `${what}: extension ${name} twice`);
    out.set(name, { critical: critical !== undefined, value });
  }
  return out;
}
const NAME_PARTS = { '2.5.4.4': 'surname', '2.5.4.42': 'givenName', '2.5.4.5': 'serialNumber', '2.5.4.3': 'commonName' };
function nameParts(name, what) {
  const out = {};
  for (const set of derAll(name.content, what)) {
    for (const pair of derAll(set.content, what)) {
      const [key, value] = derAll(pair.content, what);
      const part = NAME_PARTS[oid(key)];
      if (part) {
        need(out[part] === undefined, `${what}: ${part} twice`);
        out[part] = value.content.toString('utf8');
      }
    }
  }
  return out;
}

function parseCertificate(bytes, what) {
  const outer = sequence(bytes, what);
  const tbs = outer.take(SEQUENCE, 'tbsCertificate');
  const algorithmOutside = outer.take(SEQUENCE, 'signatureAlgorithm');
  const signature = bitString(outer.take(TAG.bits, 'signature'), what);
  outer.end();
  const inner = fieldsOf(tbs, what);
  need(hex(inner.take(0xa0, 'version').content) === '020102', `${what}: not version 3`);
  const serial = inner.take(TAG.integer, 'serial number');
  integer(serial, what);
  need(same(inner.take(SEQUENCE, 'signature').whole, algorithmOutside.whole), `${what}: two signature algorithms`);
  const issuer = inner.take(SEQUENCE, 'issuer');
  const [notBefore, notAfter, ...more] = derAll(inner.take(SEQUENCE, 'validity').content, what).map((t) => time(t, 'validity'));
  need(notAfter !== undefined && more.length === 0, `${what}: validity`);
  const subject = inner.take(SEQUENCE, 'subject');
  const key = publicKey(inner.take(SEQUENCE, 'key'), what);
  const extensions = extensionsOf(der(inner.take(0xa3, 'extensions').content, SEQUENCE, what).content, what);
  inner.end();

  const known = new Set([...Object.values(EXTENSION), '1.3.6.1.5.5.7.1.3']);
  for (const [name, { critical }] of extensions) need(!critical || known.has(name), `${what}: critical extension ${name}`);
  const value = (name) => extensions.get(EXTENSION[name])?.value;
  const constraints = value('basicConstraints');
  const isCa = constraints !== undefined && derAll(sequence(constraints, what).rest[0]?.whole ?? Buffer.alloc(0), what)[0]?.tag === TAG.boolean;
  const usageBits = value('keyUsage');
  const usages = [];
  if (usageBits) {
    const { content } = der(usageBits, TAG.bits, what);
    for (let i = 0; i < 8 * (content.length - 1); i++) if (content[1 + (i >> 3)] & (0x80 >> (i & 7))) usages.push(i);
  }
  const purposes = value('extendedKeyUsage') && sequence(value('extendedKeyUsage'), what).rest.map(oid);
  const keyId = value('subjectKey') && der(value('subjectKey'), TAG.octets, what).content;
  const issuerKeyId = value('authorityKey') && sequence(value('authorityKey'), what).optional(0x80)?.content;
  return {
    bytes, what, tbs: tbs.whole, serial: serial.content, issuer: issuer.whole, subject: subject.whole,
    names: nameParts(subject, what), notBefore, notAfter, key, extensions, isCa, usages, purposes, keyId, issuerKeyId,
    algorithm: () => signatureAlgorithm(algorithmOutside, what), signature,
  };
}
/** The authority's key signed the certificate. */
async function requireIssued(certificate, authority) {
  need(same(certificate.issuer, authority.subject), `${certificate.what}: the issuer has another name`);
  const ids = [certificate.issuerKeyId, authority.keyId];
  need(ids.includes(undefined) || same(...ids), `${certificate.what}: the issuer has another key identifier`);
  need(authority.isCa && authority.usages.includes(KEY_CERT_SIGN), `${authority.what}: not an authority`);
  await verifySigned(authority.key, certificate.algorithm(), certificate.signature, certificate.tbs, certificate.what);
}
function requireValid(certificate, at) {
  const period = `${show(certificate.notBefore)} to ${show(certificate.notAfter)}`;
  need(certificate.notBefore <= at && at <= certificate.notAfter, `${certificate.what}: valid ${period}, not at ${show(at)}`);
}
/** A service's certificate is for one purpose. */
function requireService(certificate, purpose, critical) {
  const usage = certificate.extensions.get(EXTENSION.extendedKeyUsage);
  need(!certificate.isCa, `${certificate.what} is an authority's`);
  need(certificate.purposes?.join() === purpose, `${certificate.what}: extended key usage is not ${purpose} alone`);
  need(!critical || usage.critical, `${certificate.what}: extended key usage is not critical`);
  const { usages } = certificate;
  need(usages.length > 0 && usages.every((bit) => bit <= NON_REPUDIATION), `${certificate.what}: key usage`);
}

// ---------------------------------------------------------------- time-stamp (RFC 3161, RFC 5652)

const TYPE = {
  signedData: '1.2.840.113549.1.7.2',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
};

function parseToken(token) {
  const what = 'time-stamp';
  const info = sequence(token, what);
  need(oid(info.take(TAG.oid, 'type')) === TYPE.signedData, `${what}: no SignedData`);
  const data = sequence(info.take(0xa0, 'content').content, what);
  info.end();
  need(integer(data.take(TAG.integer, 'version'), what) === 3n, `${what}: not version 3`);
  const digest = digestAlgorithm(der(data.take(SET, 'digest algorithms').content, SEQUENCE, what), what);
  const enclosed = fieldsOf(data.take(SEQUENCE, 'encapContentInfo'), what);
  need(oid(enclosed.take(TAG.oid, 'type')) === TYPE.tstInfo, `${what}: no TSTInfo`);
  const content = der(enclosed.take(0xa0, 'content').content, TAG.octets, what).content;
  enclosed.end();
  const certificates = derAll(data.take(0xa0, 'certificates').content, what).map(({ whole }) => whole);
  const signer = fieldsOf(der(data.take(SET, 'signers').content, SEQUENCE, what), what);
  data.end();

  const version = integer(signer.take(TAG.integer, 'version of the signer'), what);
  need(version === 1n || version === 3n, `${what}: version of the signer`);
  const id = version === 1n ? signer.take(SEQUENCE, 'issuer and serial number') : signer.take(0x80, 'key identifier');
  need(digestAlgorithm(signer.take(SEQUENCE, 'digest'), what) === digest, `${what}: two digest algorithms`);
  const signedAttributes = signer.take(0xa0, 'signed attributes');
  const signatureField = signer.take(SEQUENCE, 'signature algorithm');
  const signature = signer.take(TAG.octets, 'signature').content;
  signer.end(); // hence no unsigned attributes
  const { name } = algorithm(signatureField, what);
  const scheme = name === '1.2.840.113549.1.1.1' ? ['RSASSA-PKCS1-v1_5', digest] : signatureAlgorithm(signatureField, what);
  need(scheme[1] === digest, `${what}: the signature is over another digest`);

  const attributes = new Map();
  for (const element of derAll(signedAttributes.content, what)) {
    const fields = fieldsOf(element, what);
    const attribute = oid(fields.take(TAG.oid, 'attribute'));
    need(!attributes.has(attribute), `${what}: attribute ${attribute} twice`);
    attributes.set(attribute, der(fields.take(SET, 'values').content, undefined, what));
    fields.end();
  }
  const attribute = (type) => attributes.get(TYPE[type]) ?? refuse(`${what}: no signed attribute ${type}`);
  need(oid(attribute('contentType')) === TYPE.tstInfo, `${what}: contentType`);
  const stated = attribute('messageDigest');
  need(stated.tag === TAG.octets, `${what}: messageDigest`);

  const certId = fieldsOf(der(sequence(attribute('signingCertificateV2').whole, what).take(SEQUENCE, 'list').content, SEQUENCE, what), what);
  const certAlgorithm = certId.optional(SEQUENCE);
  const certDigest = {
    name: certAlgorithm ? digestAlgorithm(certAlgorithm, what) : 'SHA-256',
    value: certId.take(TAG.octets, 'hash of the certificate').content,
    issuerSerial: certId.optional(SEQUENCE),
  };
  certId.end();

  const tst = sequence(content, what);
  need(integer(tst.take(TAG.integer, 'version'), what) === 1n, `${what}: version of TSTInfo`);
  const policy = oid(tst.take(TAG.oid, 'policy'));
  const imprint = fieldsOf(tst.take(SEQUENCE, 'imprint'), what);
  const imprintDigest = digestAlgorithm(imprint.take(SEQUENCE, 'algorithm'), what);
  const imprintValue = imprint.take(TAG.octets, 'hash').content;
  imprint.end();
  integer(tst.take(TAG.integer, 'serial number'), what);
  const genTime = time(tst.take(TAG.time, 'genTime'), what, true);
  tst.optional(SEQUENCE); // accuracy
  const ordering = tst.optional(TAG.boolean);
  if (ordering) isTrue(ordering, what);
  const nonce = tst.optional(TAG.integer);
  const authority = tst.optional(0xa0);
  const extensions = tst.optional(0xa1);
  if (extensions)
    for (const { critical } of extensionsOf(extensions.content, what).values()) need(!critical, `${what}: critical extension`);
  tst.end();
  return {
    digest, content, certificates, version, id, scheme, signature, certDigest, policy, imprintDigest, imprintValue, genTime, authority,
    nonce: nonce && integer(nonce, what), stated: stated.content,
    // signed as SET OF, though it stands there under the tag [0] (RFC 5652 §5.4)
    signedBytes: Buffer.concat([Buffer.from([SET]), signedAttributes.whole.subarray(1)]),
  };
}

// ---------------------------------------------------------------- certificate status (RFC 6960)

function parseStatus(response) {
  const what = 'OCSP answer';
  const outer = sequence(response, what);
  need(hex(outer.take(TAG.enumerated, 'status').content) === '00', `${what}: not successful`);
  const wrapped = sequence(outer.take(0xa0, 'responseBytes').content, what);
  outer.end();
  need(oid(wrapped.take(TAG.oid, 'type')) === '1.3.6.1.5.5.7.48.1.1', `${what}: not a basic response`);
  const basic = sequence(wrapped.take(TAG.octets, 'response').content, what);
  wrapped.end();
  const tbs = basic.take(SEQUENCE, 'tbsResponseData');
  const scheme = signatureAlgorithm(basic.take(SEQUENCE, 'algorithm'), what);
  const signature = bitString(basic.take(TAG.bits, 'signature'), what);
  const certificates = basic.optional(0xa0);
  basic.end();

  const data = fieldsOf(tbs, what);
  const responder = data.optional(0xa1) ?? data.take(0xa2, 'responderID');
  const producedAt = time(data.take(TAG.time, 'producedAt'), what);
  const single = fieldsOf(der(data.take(SEQUENCE, 'responses').content, SEQUENCE, what), what);
  const extensions = data.optional(0xa1);
  data.end();

  const id = fieldsOf(single.take(SEQUENCE, 'certID'), what);
  need(digestAlgorithm(id.take(SEQUENCE, 'hash'), what) === 'SHA-256', `${what}: CertID is not by SHA-256`);
  const certId = {
    name: id.take(TAG.octets, 'issuerNameHash').content,
    key: id.take(TAG.octets, 'issuerKeyHash').content,
    serial: id.take(TAG.integer, 'serialNumber').content,
  };
  id.end();
  const status = single.rest.shift();
  const thisUpdate = time(single.take(TAG.time, 'thisUpdate'), what);
  const next = single.optional(0xa0);
  const nextUpdate = next && time(der(next.content, TAG.time, what), what);
  const singleExtensions = single.optional(0xa1);
  single.end();
  if (singleExtensions)
    for (const { critical } of extensionsOf(der(singleExtensions.content, SEQUENCE, what).content, what).values())
      need(!critical, `${what}: critical extension`);
  const listed = extensions ? extensionsOf(der(extensions.content, SEQUENCE, what).content, what) : new Map();
  const nonce = listed.get('1.3.6.1.5.5.7.48.1.2');
  return {
    tbs: tbs.whole, scheme, signature, responder, producedAt, certId, status, thisUpdate, nextUpdate,
    nonce: nonce && der(nonce.value, TAG.octets, what).content,
    certificates: certificates ? derAll(der(certificates.content, SEQUENCE, what).content, what).map(({ whole }) => whole) : [],
  };
}

// ---------------------------------------------------------------- the container (SPEC §9.3)

const NS = {
  asic: 'http://uri.etsi.org/02918/v1.2.1#',
  ds: 'http://www.w3.org/2000/09/xmldsig#',
  xades: 'http://uri.etsi.org/01903/v1.3.2#',
  manifest: 'urn:oasis:names:tc:opendocument:xmlns:manifest:1.0',
};
const C14N = { Algorithm: 'http://www.w3.org/2001/10/xml-exc-c14n#' };
const SHA256 = { Algorithm: 'http://www.w3.org/2001/04/xmlenc#sha256' };
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';
const SCHEMES = { [`${MORE}ecdsa-sha256`]: 'SHA-256', [`${MORE}ecdsa-sha384`]: 'SHA-384', [`${MORE}rsa-sha256`]: 'SHA-256' };
const xmlns = (prefix) => ({ [`xmlns:${prefix}`]: NS[prefix] });

/** The values of the signature document. Takes what the document says; digests and signatures are for later. */
function readSignatureDocument(document) {
  const got = {};
  const text = (key) => (value) => (got[key] = value);
  const bytes = (key, what) => (value) => (got[key] = base64(value, what));
  const root = parseXml(document);
  const signature = root.children[0] ?? refuse('no ds:Signature');
  const [signedInfo, signatureValue, , object] = signature.children;
  const properties = object?.children[0]?.children[0];
  const evidence = object?.children[0]?.children[1];

  const reference = (key, attributes, transforms, what) =>
    el('ds:Reference', attributes, [...transforms, el('ds:DigestMethod', SHA256), el('ds:DigestValue', {}, bytes(key, what))]);
  const expected = el('asic:XAdESSignatures', xmlns('asic'), [
    el('ds:Signature', { ...xmlns('ds'), Id: 's' }, [
      el('ds:SignedInfo', xmlns('ds'), [
        el('ds:CanonicalizationMethod', C14N),
        el('ds:SignatureMethod', { Algorithm: text('scheme') }),
        reference('ballotDigest', { Id: 'r', URI: 'ballot.bin' }, [], 'digest of the ballot'),
        reference('propertiesDigest', { Type: 'http://uri.etsi.org/01903#SignedProperties', URI: '#p' },
          [el('ds:Transforms', {}, [el('ds:Transform', C14N)])], 'digest of the signed properties'),
      ]),
      el('ds:SignatureValue', { ...xmlns('ds'), Id: 'v' }, bytes('signature', 'signature')),
      el('ds:KeyInfo', {}, [el('ds:X509Data', {}, [el('ds:X509Certificate', {}, bytes('certificate', 'certificate'))])]),
      el('ds:Object', {}, [
        el('xades:QualifyingProperties', { ...xmlns('xades'), Target: '#s' }, [
          el('xades:SignedProperties', { ...xmlns('xades'), Id: 'p' }, [
            el('xades:SignedSignatureProperties', {}, [
              el('xades:SigningTime', {}, text('signingTime')),
              el('xades:SigningCertificateV2', {}, [
                el('xades:Cert', {}, [
                  el('xades:CertDigest', {}, [
                    el('ds:DigestMethod', { ...xmlns('ds'), ...SHA256 }),
                    el('ds:DigestValue', xmlns('ds'), bytes('certificateDigest', 'digest of the certificate')),
                  ]),
                ]),
              ]),
            ]),
            el('xades:SignedDataObjectProperties', {}, [
              el('xades:DataObjectFormat', { ObjectReference: '#r' }, [
                el('xades:MimeType', {}, (value) => need(value === 'application/octet-stream', 'type of the ballot')),
              ]),
            ]),
          ]),
          ...(evidence ? [unsignedProperties(bytes)] : []),
        ]),
      ]),
    ]),
  ]);
  match(root, expected);
  need(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(got.signingTime), 'signing time');
  return {
    ...got,
    hasEvidence: evidence !== undefined,
    signedInfo: canonicalSlice(document, signedInfo),
    signatureValue: canonicalSlice(document, signatureValue),
    signedProperties: canonicalSlice(document, properties),
  };
}
const unsignedProperties = (bytes) =>
  el('xades:UnsignedProperties', {}, [
    el('xades:UnsignedSignatureProperties', {}, [
      el('xades:SignatureTimeStamp', { Id: 't' }, [
        el('ds:CanonicalizationMethod', C14N),
        el('xades:EncapsulatedTimeStamp', {}, bytes('token', 'time-stamp')),
      ]),
      el('xades:CertificateValues', {}, [el('xades:EncapsulatedX509Certificate', {}, bytes('issuer', "issuer's certificate"))]),
      el('xades:RevocationValues', {}, [
        el('xades:OCSPValues', {}, [el('xades:EncapsulatedOCSPValue', {}, bytes('status', 'OCSP answer'))]),
      ]),
    ]),
  ]);

function readManifest(bytes) {
  const entry = (path, type) => el('manifest:file-entry', { 'manifest:full-path': path, 'manifest:media-type': type });
  match(parseXml(bytes), el('manifest:manifest', { ...xmlns('manifest'), 'manifest:version': '1.2' },
    [entry('/', MIMETYPE), entry('ballot.bin', 'application/octet-stream')]));
}
const MIMETYPE = 'application/vnd.etsi.asic-e+zip';
const FILES = ['mimetype', 'META-INF/manifest.xml', 'ballot.bin', 'META-INF/signatures0.xml'];

async function verifyContainer(container, anchors, tsaAnchors, ballotId, passed) {
  const files = readArchive(container);
  need(files.map(([name]) => name).join('\n') === FILES.join('\n'), `other files than ${FILES.join(', ')}`);
  const [mimetype, manifest, ballot, document] = files.map(([, content]) => content);
  need(ascii(mimetype) === MIMETYPE, 'mimetype');
  passed('archive', `${files.length} files, ${container.length} bytes, both headers of each agree`);
  readManifest(manifest);
  passed('manifest', 'names the ballot and nothing else');
  const xades = readSignatureDocument(document);
  need(xades.hasEvidence, 'no time-stamp and no certificate status');
  passed('signature document', 'one XAdES signature; the three signed elements stand there in canonical form');

  const id = await sha256(ballot);
  need(same(id, xades.ballotDigest), 'ballot.bin has another digest than its reference');
  passed('reference: ballot', hex(id));
  if (ballotId) {
    need(hex(id) === ballotId, `the ballot is not ${ballotId}`);
    passed('ballot id', 'the one expected');
  }
  need(same(await sha256(xades.signedProperties), xades.propertiesDigest), 'signed properties have another digest than their reference');
  passed('reference: signed properties', hex(xades.propertiesDigest));
  need(same(await sha256(xades.certificate), xades.certificateDigest), 'the certificate is not the one of the signed properties');
  passed('signing certificate', hex(xades.certificateDigest));

  const voter = parseCertificate(xades.certificate, "voter's certificate");
  const { key } = voter;
  const kind = { ECDSA: 'ecdsa', 'RSASSA-PKCS1-v1_5': 'rsa' }[key.kind];
  const fitting = { 'P-256': 'sha256', 'P-384': 'sha384' }[key.curve] ?? (kind === 'rsa' ? 'sha256' : 'none');
  need(xades.scheme === `${MORE}${kind}-${fitting}`, `signature method ${xades.scheme} for this key`);
  need(voter.extensions.get(EXTENSION.keyUsage)?.critical && voter.usages.join() === `${NON_REPUDIATION}` && voter.purposes === undefined,
    "voter's certificate: not for signatures alone");
  need(voter.extensions.has(EXTENSION.basicConstraints) && !voter.isCa, "voter's certificate: that of an authority");
  need(kind === 'rsa' || xades.signature.length === 2 * key.bytes, 'length of the signature');
  need(await verifies(key, SCHEMES[xades.scheme], xades.signature, xades.signedInfo), "the voter's signature does not verify");
  const person = [voter.names.givenName, voter.names.surname, voter.names.serialNumber].join(' ');
  passed("voter's signature", `${person}, ${key.curve ?? `RSA ${key.length}`}; she says ${xades.signingTime}`);

  // ---- time-stamp
  const token = parseToken(xades.token);
  need(token.imprintDigest === 'SHA-256' && same(token.imprintValue, await sha256(xades.signatureValue)), 'time-stamp: of another signature');
  passed('time-stamp: imprint', 'of the ds:SignatureValue element');
  const derived = (await sha256('psephos-1/nonce/time-stamp', xades.signatureValue)).readBigUInt64BE(0);
  need(token.nonce === derived, 'time-stamp: another nonce');
  passed('time-stamp: nonce', derived.toString(16).padStart(16, '0'));
  const tsas = token.certificates.map((bytes) => parseCertificate(bytes, "time-stamp's certificate"));
  const isSigner = ({ issuer, serial, keyId }) => token.version === 1n
    ? same(derAll(token.id.content, 'signer')[0].whole, issuer) && same(derAll(token.id.content, 'signer')[1].content, serial)
    : keyId !== undefined && same(token.id.content, keyId);
  const tsa = tsas.find(isSigner) ?? refuse("time-stamp: no certificate of its signer's");
  need(tsas.every((other) => other === tsa || tsaAnchors.some((anchor) => same(anchor.bytes, other.bytes))), 'time-stamp: surplus certificate');
  requireService(tsa, PURPOSE.timeStamping, true);
  const tsaAuthority = tsaAnchors.find((anchor) => same(anchor.subject, tsa.issuer)) ?? refuse('time-stamp: its authority is no anchor');
  await requireIssued(tsa, tsaAuthority);
  passed('time-stamp: chain', `${tsa.names.commonName}, issued by ${tsaAuthority.names.commonName}`);
  need(same(await hash(token.digest, token.content), token.stated), 'time-stamp: message digest');
  need(same(await hash(token.certDigest.name, tsa.bytes), token.certDigest.value), 'time-stamp: signed for another certificate');
  await verifySigned(tsa.key, token.scheme, token.signature, token.signedBytes, 'time-stamp');
  passed('time-stamp: signature', `${token.scheme.join(', ')} over the signed attributes, message digest, signing certificate`);
  const stampedAt = token.genTime;
  for (const certificate of [tsa, tsaAuthority]) requireValid(certificate, stampedAt);
  passed('time-stamp: time', show(stampedAt));

  // ---- the voter's chain, at that time
  const issuing = anchors.find((anchor) => same(anchor.bytes, xades.issuer)) ?? refuse("the issuer's certificate is no anchor");
  need(!same(issuing.subject, issuing.issuer), "the issuer's certificate is a root");
  await requireIssued(voter, issuing);
  const root = anchors.find((anchor) => same(anchor.subject, anchor.issuer) && same(anchor.subject, issuing.issuer)) ?? refuse('no root among the anchors');
  await requireIssued(issuing, root);
  await requireIssued(root, root);
  for (const certificate of [voter, issuing, root]) requireValid(certificate, stampedAt);
  passed('certificate chain', `${issuing.names.commonName}, ${root.names.commonName}, valid at the time of the time-stamp`);

  // ---- status
  const answer = parseStatus(xades.status);
  const issuerHashes = [await sha256(issuing.subject), await sha256(issuing.key.bits)];
  need(same(answer.certId.name, issuerHashes[0]) && same(answer.certId.key, issuerHashes[1]) && same(answer.certId.serial, voter.serial),
    'OCSP answer: about another certificate');
  passed('status: certificate', `serial number ${hex(voter.serial)}, by SHA-256`);
  const asked = await sha256('psephos-1/nonce/ocsp', xades.token);
  need(answer.nonce !== undefined && same(answer.nonce, asked), 'OCSP answer: another nonce');
  passed('status: nonce', 'of this time-stamp: asked for after it');
  need(answer.certificates.length <= 1, 'OCSP answer: several certificates');
  const responder = answer.certificates.length === 0 ? issuing : parseCertificate(answer.certificates[0], "responder's certificate");
  if (responder !== issuing) {
    requireService(responder, PURPOSE.ocspSigning, false);
    await requireIssued(responder, issuing);
  }
  const named = answer.responder.tag === 0xa1 ? same(answer.responder.content, responder.subject)
    : same(der(answer.responder.content, TAG.octets, 'responderID').content, await hash('SHA-1', responder.key.bits));
  need(named, 'OCSP answer: names another responder');
  passed('status: responder', `${responder.names.commonName}, ${responder === issuing ? 'who issued' : 'appointed by who issued'} the certificate`);
  await verifySigned(responder.key, answer.scheme, answer.signature, answer.tbs, 'OCSP answer');
  passed('status: signature', answer.scheme.join(', '));
  requireValid(responder, answer.producedAt);
  const { producedAt, thisUpdate, nextUpdate } = answer;
  need(stampedAt <= producedAt && producedAt <= stampedAt + 900, `OCSP answer: produced at ${show(producedAt)}, not within 900 s after the time-stamp`);
  need(thisUpdate <= producedAt && producedAt <= thisUpdate + 900, `OCSP answer: of ${show(thisUpdate)}, stale`);
  need(nextUpdate === undefined || nextUpdate >= producedAt, 'OCSP answer: overdue');
  passed('status: times', `produced ${show(producedAt)}, state of ${show(thisUpdate)}`);
  need(answer.status?.tag === 0x80 && answer.status.content.length === 0, 'OCSP answer: the certificate is not good');
  passed('status', 'good');
  return `${person} signed ballot ${hex(id)} before ${show(stampedAt)}`;
}

// ---------------------------------------------------------------- command line

const USAGE = 'usage: verify_container.mjs FILE --anchor CA… --tsa-anchor TSA… [--ballot-id HEX]; authorities in DER or PEM';

function parseArguments(words) {
  const options = { files: [], anchor: [], 'tsa-anchor': [], 'ballot-id': [] };
  let list = options.files;
  for (const word of words) {
    if (!word.startsWith('--')) list.push(word);
    else list = options[word.slice(2)] ?? refuse(`unknown option ${word}; ${USAGE}`);
  }
  need(options.files.length === 1 && options.anchor.length > 0 && options['tsa-anchor'].length > 0 && options['ballot-id'].length <= 1, USAGE);
  need(options['ballot-id'].every((text) => /^[0-9a-f]{64}$/.test(text)), '--ballot-id takes 64 hexadecimal digits');
  return options;
}
const load = (path) => readFile(path).catch((error) => refuse(`${path} cannot be read: ${error.code}`));
/** Certificates of files in DER, or in PEM, of which each may hold several. */
async function loadAnchors(paths) {
  const out = [];
  for (const path of paths) {
    const bytes = await load(path);
    const blocks = [...ascii(bytes).matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g)];
    const encodings = blocks.length > 0 ? blocks.map(([, text]) => base64(text.replace(/\s/g, ''), path)) : [bytes];
    out.push(...encodings.map((encoding) => parseCertificate(encoding, path)));
  }
  return out;
}
/** What the command line asks for. */
export async function readCommand(words) {
  const options = parseArguments(words);
  return {
    container: await load(options.files[0]),
    anchors: await loadAnchors(options.anchor),
    tsaAnchors: await loadAnchors(options['tsa-anchor']),
    ballotId: options['ballot-id'][0],
  };
}
/** Prints a line for each check and the verdict. True if the container is accepted. */
export async function judge(command, print) {
  try {
    const { container, anchors, tsaAnchors, ballotId } = await command;
    const verdict = await verifyContainer(container, anchors, tsaAnchors, ballotId, (name, what) => print(`ok    ${name}: ${what}\n`));
    print(`accepted: ${verdict}\n`);
    return true;
  } catch (error) {
    // Bytes that no check above foresaw are refused as well, with what the language says of them.
    print(`FAIL  ${error instanceof Refusal ? error.message : `unreadable (${error.message})`}\nrefused\n`);
    return false;
  }
}

if (import.meta.url === pathToFileURL(argv[1]).href) {
  const accepted = await judge(readCommand(argv.slice(2)), (text) => stdout.write(text));
  process.exitCode = accepted ? 0 : 1;
}
