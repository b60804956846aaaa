// Takes a token apart, verifies it with the public key that its header names, and forges one under the same name.

const ALGORITHMS = {
  ES256: [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }],
  EdDSA: [{ name: "Ed25519" }, { name: "Ed25519" }],
  RS256: [
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
    { name: "RSASSA-PKCS1-v1_5" },
  ],
};

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (part) => JSON.parse(new TextDecoder().decode(bytes(part)));
const base64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

export default async function find({ token, jwks }) {
  const [header, payload, signature] = token.split(".");
  const found = { header: text(header), payload: text(payload), secure_context: isSecureContext };
  const jwk = jwks.keys.find((key) => key.kid === found.header.kid);
  const [kind, how] = ALGORITHMS[found.header.alg] ?? [];
  if (!jwk || !kind || !isSecureContext) return { ...found, verified: null, forged_verified: null, forged: null };

  const key = await crypto.subtle.importKey("jwk", jwk, kind, false, ["verify"]);
  const message = new TextEncoder().encode(`${header}.${payload}`);
  const own = await crypto.subtle.generateKey(kind, false, ["sign", "verify"]);
  const forged = await crypto.subtle.sign(how, own.privateKey, message);
  return {
    ...found,
    verified: await crypto.subtle.verify(how, key, bytes(signature), message),
    forged_verified: await crypto.subtle.verify(how, key, forged, message),
    forged: `${header}.${payload}.${base64url(forged)}`,
  };
}
