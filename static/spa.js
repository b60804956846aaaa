// The page /spa: shows what the client of the token door does. What it does stands in token_client.js.

const page = document.querySelector("#spa");
const part = name => page.querySelector(`[data-part="${name}"]`);
const form = page.querySelector("form[data-part='log-in']");
const LOGGED = 12;

const { TokenClient } = await import(page.dataset.client);
const client = new TokenClient(page.dataset.api);

function show() {
  page.dataset.is = client.is;
  for (const notice of page.querySelectorAll("[data-when]")) notice.hidden = notice.dataset.when !== client.is;
  // Who was in stays in until somebody can say otherwise.
  part("inside").hidden = !(client.is === "in" || client.is === "unsure" && client.user);
  part("outside").hidden = client.is !== "out";
  part("why").textContent = client.why || "Nobody is in from this browser.";
  part("why").classList.toggle("warn", client.why !== "");
  part("unsure").textContent = client.why;
  // What was complained of is over.
  if (client.is === "in") complain("");
  if (client.is === "out") part("stays").hidden = true;
  part("name").textContent = client.user?.display_name ?? "";
  part("token").textContent = client.access ? `${client.access.slice(0, 6)}…${client.access.slice(-4)}` : "none";
  if (client.is === "out") for (const answer of ["me", "account"]) tell(answer, null);
  count();
}

/** The time that the access token has left, as a number and as a bar. */
function count() {
  const left = Math.max(0, Math.ceil((client.expiresAt - Date.now()) / 1000));
  part("left").textContent = left >= 60 ? `${Math.floor(left / 60)} min ${left % 60} s` : `${left} s`;
  part("bar").setAttribute("width", `${client.lifeSeconds ? Math.min(100, 100 * left / client.lifeSeconds) : 0}%`);
}

/** What one route said. */
function tell(name, answer) {
  const cell = part(name);
  cell.replaceChildren();
  if (!answer) return cell.append("not asked yet");
  const { status, body, took, statements } = answer;
  const cost = statements === undefined ? "" : `, ${statements} statement${statements === "1" ? "" : "s"}`;
  const says = status === 200 ? `role ${body.role}${body.email ? `, ${body.email}` : ""}` : body?.detail ?? "no answer";
  cell.append(pill(status), ` ${says} `, quiet(`${Math.round(took)} ms${cost}`));
}

function pill(status) {
  const pill = document.createElement("span");
  const good = status >= 200 && status < 300;
  pill.className = `status ${good ? "ok" : "no"}`;
  pill.textContent = status ? `${status} · ${good ? "accepted" : "refused"}` : "no answer";
  return pill;
}

function quiet(text) {
  const element = document.createElement("span");
  element.className = "quiet";
  element.textContent = text;
  return element;
}

function record({ detail: { method, path, status, took } }) {
  const entry = document.createElement("li");
  const call = document.createElement("code");
  call.textContent = `${method} ${path}`;
  entry.append(quiet(new Date().toTimeString().slice(0, 8)), call, pill(status), quiet(`${Math.round(took)} ms`));
  part("log").prepend(entry);
  while (part("log").children.length > LOGGED) part("log").lastChild.remove();
  part("nothing-yet").hidden = true;
}

async function askBoth() {
  for (const name of ["me", "account"]) {
    const answer = await client.get(`/api/${name}`);
    if (client.is !== "out") tell(name, answer);
  }
}

/** A button is pressed once; what it does may take a while. */
function on(name, act) {
  part(name).addEventListener("click", async ({ currentTarget }) => {
    currentTarget.disabled = true;
    try { await act(); } finally { currentTarget.disabled = false; }
  });
}

function complain(text) {
  part("problem").textContent = text;
  part("problem").hidden = !text;
}

form.addEventListener("submit", async event => {
  event.preventDefault();
  const button = form.querySelector("button");
  const { email, password, expires_in } = form.elements;
  complain("");
  button.disabled = true;
  const answer = await client.logIn(email.value, password.value, Number(expires_in.value));
  button.disabled = false;
  password.value = "";
  if (answer.status === 200) {
    part("heading").focus();
    askBoth();
  } else {
    const wait = answer.retryAfter ? ` Try again in ${answer.retryAfter} s.` : "";
    const { code, title, detail } = answer.body ?? {};
    // Whoever is kept out is told why, and until when.
    complain(title ? `${code === "banned" ? detail : `${title}.`}${wait}` : "The server gave no answer. Nothing was sent twice; try again.");
    password.focus();
  }
});

on("ask", askBoth);
on("renew", () => client.renew(true));
on("log-out", async () => {
  const answer = await client.logOut();
  if (client.is === "out") form.elements.email.focus();
  else part("stays").textContent = `You are still logged in: the server could not end this login (${answer.status || "no answer"}).`;
  part("stays").hidden = client.is === "out";
});

client.addEventListener("change", show);
client.addEventListener("exchange", record);
setInterval(count, 500);
show();
await client.start();
if (client.is === "in") askBoth();
