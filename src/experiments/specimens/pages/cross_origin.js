// Asks an API on another host: with cookies, with a token, with neither. Logs in first, where it is told to.

async function call(url, init) {
  try {
    const answer = await fetch(url, init);
    return { status: answer.status, ...(await answer.json()) };
  } catch {
    return { status: 0 };
  }
}

export default async function find({ api, token, logsIn }) {
  if (logsIn) await call(`${api}/login`, { method: "POST", credentials: "include" });
  return {
    cookies: await call(`${api}/me`, { credentials: "include" }),
    bearer: await call(`${api}/me`, { credentials: "omit", headers: { Authorization: `Bearer ${token}` } }),
    neither: await call(`${api}/me`, { credentials: "omit" }),
  };
}
