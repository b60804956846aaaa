// A browser's client of the token door: one for each tab.
//
// The access token is kept in memory and nowhere else: this object's, and that of this site's other tabs, which tell one another.
// A reload forgets it, and no storage ever sees it. What outlives the tabs is the refresh token, in a cookie that no script can
// read and that the browser shows at /api/auth by itself.
//
// All tabs share that cookie, and a refresh token works once; an old one that comes back ends the login. So one tab refreshes
// at a time (Web Locks) and tells the others what it got. Where a browser has no Web Locks, a tab that hears of another's
// refresh waits for it, and those that begin at the very same time are given the same successor, within the server's grace.
//
// An outage is no log-out: only a refusal of the refresh itself ends the login here.

const NAME = "two-doors token door";
const PATIENCE = 10_000;

const pause = milliseconds => new Promise(done => setTimeout(done, milliseconds));

export class TokenClient extends EventTarget {
  #api;
  #tabs = new BroadcastChannel(NAME);
  #access = null;
  #wish = {};
  #life = 0;
  #renewing = null;
  #timer = 0;
  #tries = 0;
  #changes = 0;
  #othersTurn = 0;

  /** asking, out, in, or unsure while nobody can say. */
  is = "asking";
  /** Why it is so, in the server's words, if there is something to say. */
  why = "";
  user = null;
  expiresAt = 0;

  constructor(api) {
    super();
    this.#api = api;
    this.#tabs.addEventListener("message", ({ data }) => this.#hear(data));
    for (const event of ["online", "focus"]) addEventListener(event, () => this.wake());
    // A page that comes back from the browser's memory has heard nothing meanwhile.
    addEventListener("pageshow", ({ persisted }) => persisted ? this.start() : this.wake());
    document.addEventListener("visibilitychange", () => document.hidden || this.wake());
  }

  get access() { return this.#access; }
  get lifeSeconds() { return this.#life; }

  /** Asks before it refreshes: who never logged in here has nothing to refresh. */
  async start() {
    const changes = this.#changes;
    const { status, body, retryAfter } = await this.#ask("GET", "/api/auth/state");
    // Another tab has told more meanwhile.
    if (changes !== this.#changes) return;
    if (status !== 200) return this.#beUnsure(() => this.start(), retryAfter);
    // Whatever token there still is may be of a login before this one.
    if (body.logged_in) return this.renew(true);
    if (this.is !== "out") this.#leave(body.ended ?? "", false);
  }

  /** Returns the answer, as only the form can say what is wrong with what was typed. */
  async logIn(email, password, expires_in) {
    this.#wish = expires_in ? { expires_in } : {};
    return this.#alone(async () => {
      const answer = await this.#ask("POST", "/api/auth/login", { body: { email, password, ...this.#wish } });
      if (answer.status === 200) this.#enter(answer.body);
      return answer;
    });
  }

  /** Returns what it came to: if the server could not end the login, it goes on, and so does this. */
  async logOut() {
    return this.#alone(async () => {
      // The cookie may be gone: then the access token says which login is to end.
      const bearer = Date.now() < this.expiresAt ? this.#access : null;
      let answer = await this.#ask("POST", "/api/auth/logout", { bearer });
      // Or it is of another login by now: each ends by itself, the one that was shown first.
      if (answer.status === 400) {
        await this.#ask("POST", "/api/auth/logout", { bearer, credentials: "omit" });
        answer = await this.#ask("POST", "/api/auth/logout");
      }
      if (answer.status === 200) this.#leave("You logged out.", true);
      if (answer.status === 401) this.#leave("This browser held no login any more, so the server ended none.", true);
      return answer;
    });
  }

  /** One refresh at a time in this tab, and among all tabs. */
  renew(anyway = false) {
    const changes = this.#changes;
    const redeem = () => this.#redeem(anyway && changes === this.#changes);
    this.#renewing ??= this.#alone(redeem).finally(() => { this.#renewing = null; });
    return this.#renewing;
  }

  /** After a sleep the clock has jumped, and timers are late. */
  wake() {
    if (this.is === "unsure" && !this.user) this.start();
    else if ((this.is === "in" || this.is === "unsure") && !this.#isFresh()) this.renew();
  }

  /** Asks with the access token; renews it first if it is about to expire. Nothing, if there is none that might be accepted. */
  async get(path) {
    if (!this.#isFresh()) await this.renew();
    if (this.is === "out" || Date.now() >= this.expiresAt) return null;
    const answer = await this.#ask("GET", path, { bearer: this.#access });
    // Ended elsewhere, perhaps: the refresh finds out, and why.
    if (answer.status === 401) await this.renew(true);
    return answer;
  }

  async #redeem(anyway) {
    // Another tab was faster, while this one waited for its turn.
    if (!anyway && this.#isFresh()) return this.#goOn();
    const changes = this.#changes;
    this.#tabs.postMessage({ refreshing: true });
    const { status, body, retryAfter } = await this.#ask("POST", "/api/auth/refresh", { body: this.#wish });
    // Somebody logged out or in meanwhile: what came of this is of the past.
    if (changes !== this.#changes) return;
    if (status === 200) this.#enter(body);
    else if (status === 401 || body?.code === "banned") this.#leave(body?.detail ?? "", true);
    else this.#beUnsure(() => this.renew(true), retryAfter);
  }

  async #alone(task) {
    if (navigator.locks) {
      return navigator.locks.request(NAME, async () => {
        // What the tab before has told arrives first.
        await pause(0);
        return task();
      });
    }
    await pause(50);
    while (Date.now() < this.#othersTurn) await this.#hearing();
    return task();
  }

  #hearing() {
    return new Promise(done => {
      this.#tabs.addEventListener("message", done, { once: true });
      setTimeout(done, PATIENCE);
    });
  }

  #hear({ refreshing, entered, left }) {
    this.#othersTurn = refreshing ? Date.now() + PATIENCE : 0;
    if (entered) this.#be("in", "", entered);
    if (left !== undefined) this.#be("out", left, {});
  }

  #enter({ access_token, expires_in, user }) {
    const entered = { access: access_token, life: expires_in, expiresAt: Date.now() + expires_in * 1000, user };
    this.#tabs.postMessage({ entered });
    this.#be("in", "", entered);
  }

  #leave(why, tell) {
    if (tell) this.#tabs.postMessage({ left: why });
    this.#be("out", why, {});
  }

  #be(is, why, { access = null, life = 0, expiresAt = 0, user = null }) {
    this.#changes += 1;
    this.#tries = 0;
    [this.#access, this.#life] = [access, life];
    clearTimeout(this.#timer);
    if (is === "in") this.#timer = setTimeout(() => this.renew(), Math.max(0, expiresAt - this.#early(life) - Date.now()));
    Object.assign(this, { is, why, user, expiresAt });
    this.dispatchEvent(new Event("change"));
  }

  #goOn() { this.#be("in", "", { access: this.#access, life: this.#life, expiresAt: this.expiresAt, user: this.user }); }

  /** Nobody can say: what there is stays, and it is tried again, by each tab in its own time. */
  #beUnsure(again, retryAfter) {
    const seconds = Math.ceil(Math.max(retryAfter || 0, Math.min(30, 2 ** this.#tries)) * (1 + Math.random() / 4));
    this.#tries += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(again, seconds * 1000);
    Object.assign(this, { is: "unsure", why: `Trying again in ${seconds} s.` });
    this.#tabs.postMessage({});
    this.dispatchEvent(new Event("change"));
  }

  /** How long before its end a token is renewed, in milliseconds. */
  #early(life) { return Math.min(60, life / 4) * 1000; }

  #isFresh() {
    const left = this.expiresAt - Date.now();
    // More than it was given is no life: the clock was set back.
    return this.#access !== null && left > this.#early(this.#life) && left <= this.#life * 1000;
  }

  async #ask(method, path, { body, bearer, credentials = "include" } = {}) {
    const headers = {};
    if (body) headers["Content-Type"] = "application/json";
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    const began = performance.now();
    const exchange = { method, path, status: 0, body: null };
    try {
      const answer = await fetch(this.#api + path, {
        method, headers, body: body && JSON.stringify(body),
        credentials, cache: "no-store", signal: AbortSignal.timeout(PATIENCE),
      });
      exchange.status = answer.status;
      exchange.retryAfter = Number(answer.headers.get("Retry-After"));
      exchange.statements = answer.headers.get("Server-Timing")?.match(/desc="(\d+)/)?.[1];
      exchange.body = await answer.json();
    } catch {
      // No answer, or none of the API's: that says nothing about the login.
      exchange.status = 0;
    }
    exchange.took = performance.now() - began;
    this.dispatchEvent(new CustomEvent("exchange", { detail: exchange }));
    return exchange;
  }
}
