// The page /inspect: takes tokens apart, this browser's own and pasted ones. What is pasted never leaves the tab.

const page = document.querySelector("#inspect");
const part = (name, root = page) => root.querySelector(`[data-part="${name}"]`);
const { TokenClient } = await import(page.dataset.client);
const client = new TokenClient(page.dataset.api);
const jwt = part("jwt");
// Whatever is shown is a copy of it with other words.
const example = part("token").cloneNode(true);
const CHECKED = {
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
};

function bytes(text) {
  if (/[^\w-]/.test(text)) throw new SyntaxError(text);
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), letter => letter.charCodeAt(0));
}

const read = text => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes(text)));

/** Which verdict a signature deserves. */
async function judge({ alg, kid }, [head, body, signature]) {
  if (alg === "none") return "unsigned";
  if (/^HS/.test(alg)) return "secret";
  try {
    const { keys } = await (await fetch(`${page.dataset.api}/.well-known/jwks.json`)).json();
    const key = keys.find(key => key.kid === kid);
    if (!key) return "unknown-key";
    // It decides, never the token.
    if (key.alg !== alg) return "other-algorithm";
    const { kty, crv, x, y, n, e } = key;
    const [how, signed] = [CHECKED[alg], new TextEncoder().encode(`${head}.${body}`)];
    const checks = await crypto.subtle.importKey("jwk", { kty, crv, x, y, n, e }, how, false, ["verify"]);
    return await crypto.subtle.verify(how, checks, bytes(signature), signed) ? "right" : "wrong";
  } catch {
    // No keys, or no way to check their kind.
    return "unable";
  }
}

function cell(name, content) {
  const made = document.createElement(name);
  made.append(content);
  return made;
}

function row([name, value]) {
  const isInstant = /^(exp|nbf|iat|auth_time)$/.test(name) && Math.abs(value) < 8e12;
  const date = isInstant ? ` = ${new Date(value * 1000).toISOString()}` : "";
  const made = cell("tr", cell("th", name));
  const meaning = part(`claim-${CSS.escape(name)}`) ?? part("claim-");
  made.append(cell("td", JSON.stringify(value) + date), cell("td", meaning.textContent));
  return made;
}

/** Shows one of the verdicts, of which the place has all. */
function say(shown, what) {
  for (const one of shown.querySelectorAll("[data-says]")) one.hidden = one.dataset.says !== what;
}

/** Shows a token in its three parts. */
async function show(place, token) {
  const [shown, parts] = [example.cloneNode(true), token.split(".")];
  const fill = (name, ...what) => part(name, shown).replaceChildren(...what);
  shown.classList.remove("example");
  place.replaceChildren(shown);
  let header;
  try {
    if (parts.length !== 3) throw new SyntaxError(token);
    header = read(parts[0]);
    const payload = read(parts[1]);
    fill("header", ...Object.entries(header).map(row));
    fill("payload", ...Object.entries(payload).map(row));
    if (payload.exp > 0) Object.assign(shown.dataset, { exp: payload.exp, from: payload.iat });
  } catch {
    shown.replaceChildren(part("verdict", shown));
    return say(shown, "no-token");
  }
  ["head", "body", "signature"].forEach((name, at) => fill(name, parts[at]));
  fill("left", "It names no end.");
  count();
  say(shown, "checking");
  say(shown, await judge(header, parts));
}

/** Shows the example, and why there is no token. */
function showNone() {
  const shown = example.cloneNode(true);
  part("own").replaceChildren(shown);
  part("why", shown).textContent = client.why;
  say(shown, client.is);
}

/** What each token has left. */
function count() {
  for (const shown of page.querySelectorAll("[data-exp]")) {
    const { exp, from } = shown.dataset;
    const left = Math.ceil(exp - Date.now() / 1000);
    const span = `${Math.floor(Math.abs(left) / 60)} min ${Math.abs(left) % 60} s`;
    part("left", shown).textContent = left > 0 ? `${span} left` : `expired ${span} ago`;
    part("bar", shown).setAttribute("width", `${Math.max(0, Math.min(100, 100 * left / (exp - from))) || 0}%`);
  }
}

client.addEventListener("change", () => {
  part("forge").hidden = !client.access;
  if (client.access) show(part("own"), client.access);
  else showNone();
});

jwt.addEventListener("input", () => {
  const token = jwt.value.replace(/^\s*Bearer\s|\s/gi, "");
  if (token) show(part("pasted"), token);
  else part("pasted").replaceChildren();
});

part("forge").addEventListener("click", () => {
  const [head, body, signature] = client.access.split(".");
  jwt.value = [head, btoa(JSON.stringify({ ...read(body), role: "admin" })).replace(/=+$/, ""), signature].join(".");
  jwt.dispatchEvent(new Event("input"));
  jwt.focus();
});

setInterval(count, 500);
await client.start();
