import { createHash, createHmac, createPublicKey, timingSafeEqual, verify as verifyWithKey } from "node:crypto";
import { VerificationError } from "./errors.js";
/** The header of each scheme, and how it writes a digest. */
const schemes = {
    standard: { header: "Webhook-Signature", encoding: "base64", prefix: "v1," },
    "standard-ed25519": { header: "Webhook-Signature", encoding: "base64", prefix: "v1a," },
    stairoids: { header: "X-Stairoids-Signature", encoding: "hex", prefix: "" },
    "stairoids-prefixed": { header: "X-Stairoids-Signature", encoding: "hex", prefix: "sha256=" },
    staircase: { header: "X-Staircase-Signature", encoding: "hex", prefix: "" },
    "staircase-secret-sha256": { header: "X-Staircase-Signature", encoding: "hex", prefix: "" },
    stackone: { header: "X-Stackone-Signature", encoding: "base64url", prefix: "" },
    github: { header: "X-Hub-Signature-256", encoding: "hex", prefix: "sha256=" },
    stripe: { header: "Stripe-Signature", encoding: "hex", prefix: "" },
};
const maxItems = 32;
const digestSize = 32;
const signatureSize = 64;
/**
 * Returns if the body was signed under the scheme with one of the secrets, and throws a VerificationError if not. Give it the raw bytes of the body. It
 * keeps no record of ids: refusing a repeated webhook-id is the receiver's work.
 */
export function verify(headers, rawBody, secret, options = {}) {
    const scheme = options.scheme ?? "standard";
    if (!Object.hasOwn(schemes, scheme))
        throw new TypeError(`unknown signature scheme ${JSON.stringify(scheme)}`);
    const tolerance = options.tolerance ?? 300;
    if (!(tolerance >= 0 && tolerance < Infinity))
        throw new RangeError("tolerance is a number of seconds");
    const now = (options.now ?? new Date()).getTime() / 1000;
    if (Number.isNaN(now))
        throw new RangeError("now is no time");
    const body = bytesOf(rawBody);
    const secrets = usable(secret);
    const window = { now, tolerance };
    if (scheme === "standard" || scheme === "standard-ed25519")
        return verifyStandard(scheme, headers, body, secrets, window);
    if (scheme === "stripe")
        return verifyStripe(headers, body, secrets, window);
    return verifyVendor(scheme, headers, body, secrets);
}
function verifyVendor(scheme, headers, body, secrets) {
    const { header, encoding, prefix } = schemes[scheme];
    const value = single(headers, header);
    const digest = value.startsWith(prefix) ? decode(value.slice(prefix.length), encoding, digestSize) : undefined;
    if (!digest)
        throw new VerificationError("malformed", `${header} is not ${prefix}${encoding} of ${digestSize} bytes`);
    const made = (secret) => scheme === "staircase-secret-sha256" ? createHash("sha256").update(secret).digest() : hmac(Buffer.from(secret), body);
    match([digest], secrets.map(made), header);
}
function verifyStandard(scheme, headers, body, secrets, window) {
    const { header, prefix } = schemes[scheme];
    const id = single(headers, "Webhook-Id");
    const stamp = single(headers, "Webhook-Timestamp");
    const value = single(headers, header);
    fresh(stamp, "Webhook-Timestamp", window);
    const items = value.split(" ");
    if (items.length > maxItems)
        throw new VerificationError("malformed", `${header} lists more than ${maxItems} signatures`);
    const size = scheme === "standard" ? digestSize : signatureSize;
    const given = items // other versions are not ours to judge
        .filter((item) => item.startsWith(prefix))
        .flatMap((item) => decode(item.slice(prefix.length), "base64", size) ?? []);
    const content = Buffer.concat([Buffer.from(`${id}.${stamp}.`, "latin1"), body]);
    if (scheme === "standard")
        return match(given, secrets.map((secret) => hmac(standardKey(secret), content)), header);
    for (const secret of secrets) {
        const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey(secret).toString("base64url") }, format: "jwk" });
        if (given.some((signature) => verifyWithKey(null, content, key, signature)))
            return;
    }
    throw mismatch(header);
}
function verifyStripe(headers, body, secrets, window) {
    const { header } = schemes.stripe;
    const items = single(headers, header).split(",");
    if (items.length > maxItems)
        throw new VerificationError("malformed", `${header} has more than ${maxItems} items`);
    let stamp = "";
    const given = [];
    for (const item of items) {
        const equals = item.indexOf("=");
        const [name, text] = equals < 0 ? [item, ""] : [item.slice(0, equals), item.slice(equals + 1)];
        if (name === "t") {
            if (stamp !== "")
                throw new VerificationError("malformed", `${header} has two timestamps`);
            stamp = text;
        }
        else if (name === "v1") {
            const digest = decode(text, "hex", digestSize);
            if (digest)
                given.push(digest);
        }
    }
    if (stamp === "")
        throw new VerificationError("malformed", `${header} has no timestamp (t=…)`);
    fresh(stamp, header, window);
    const content = Buffer.concat([Buffer.from(`${stamp}.`), body]);
    match(given, secrets.map((secret) => hmac(Buffer.from(secret), content)), header);
}
/** Returns if any given digest is one of those that were made. */
function match(given, made, header) {
    for (const want of made) {
        for (const digest of given) {
            if (timingSafeEqual(digest, want))
                return;
        }
    }
    throw mismatch(header);
}
function mismatch(header) {
    return new VerificationError("mismatch", `${header} holds no signature that was made with this secret for these exact bytes`);
}
/** Holds a timestamp in plain Unix seconds to the tolerance: the text that is signed has one meaning. */
function fresh(stamp, header, { now, tolerance }) {
    if (!/^(0|[1-9][0-9]{0,12})$/.test(stamp) || Number(stamp) >= 2 ** 40) {
        throw new VerificationError("malformed", `the timestamp in ${header} must be Unix seconds`);
    }
    const age = now - Number(stamp);
    if (age > tolerance)
        throw new VerificationError("too_old", `${header} is ${Math.trunc(age)} s behind, at most ${tolerance} are allowed`);
    if (age < -tolerance)
        throw new VerificationError("too_new", `${header} is ${Math.trunc(-age)} s ahead, at most ${tolerance} are allowed`);
}
/** Reads a header that must be there once, whatever the case of its name. */
function single(headers, name) {
    const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
    const values = [];
    for (const [key, value] of pairs) {
        if (key.toLowerCase() === name.toLowerCase() && value !== undefined)
            values.push(...(Array.isArray(value) ? value : [value]));
    }
    if (values.length === 0 || (values.length === 1 && values[0] === ""))
        throw new VerificationError("missing", `the header ${name} is missing`);
    if (values.length > 1)
        throw new VerificationError("malformed", `the header ${name} is there ${values.length} times`);
    const value = values[0];
    // Header text has a character for each byte.
    if (typeof value !== "string" || /[^\x00-\xff]/.test(value))
        throw new VerificationError("malformed", `the header ${name} is no header's text`);
    return value;
}
/** Decodes the one spelling that a digest has: lower-case hex, or base64 with neither stray characters nor stray bits. */
function decode(text, encoding, size) {
    const bytes = Buffer.from(text, encoding);
    return bytes.length === size && bytes.toString(encoding) === text ? bytes : undefined;
}
/** Refuses secrets that would verify what anybody can make. */
function usable(secret) {
    const secrets = Array.isArray(secret) ? secret : [secret];
    if (secrets.length === 0)
        throw new VerificationError("no_secret", "no secret is given");
    for (const s of secrets) {
        if (typeof s !== "string" || s === "" || s === "whsec_")
            throw new VerificationError("no_secret", "a secret is empty");
    }
    return secrets;
}
/** The key of Standard Webhooks: decoded if it is whsec_ and base64 of 24 to 64 bytes, else the secret's own bytes. */
function standardKey(secret) {
    if (secret.startsWith("whsec_")) {
        const text = secret.slice(6);
        const key = Buffer.from(text, "base64");
        if (key.length >= 24 && key.length <= 64 && key.toString("base64") === text)
            return key;
    }
    return Buffer.from(secret);
}
/** The public key in whpk_…, or the public half of whsk_…. */
function publicKey(secret) {
    const text = secret.slice(5);
    const key = secret.startsWith("whpk_") ? decode(text, "base64", 32) : secret.startsWith("whsk_") ? decode(text, "base64", 64)?.subarray(32) : undefined;
    if (!key)
        throw new VerificationError("no_secret", "standard-ed25519 needs a whpk_ key of 32 bytes or a whsk_ key of 64");
    return key;
}
function hmac(key, content) {
    return createHmac("sha256", key).update(content).digest();
}
function bytesOf(body) {
    if (typeof body === "string")
        return Buffer.from(body);
    if (body instanceof Uint8Array)
        return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    throw new TypeError("verify needs the raw bytes of the body, as they came: JSON that was parsed has lost them");
}
