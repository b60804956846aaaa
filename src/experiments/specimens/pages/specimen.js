// Drives a story: each page is told what to do, does it, and goes on to the next.
import { clear, keep } from "./storage.js";

const main = document.querySelector("main");
const plan = JSON.parse(main.dataset.plan);
const says = document.querySelector("#says");

const go = () => location.replace(plan.next);

const send = (where, what) =>
  fetch(`${plan.here}/${where}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(what),
  });

function post(url) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = url;
  document.body.append(form);
  form.submit();
}

function click(url) {
  const link = document.createElement("a");
  link.href = url;
  document.body.append(link);
  link.click();
}

// Whether an answer came can be told; what it says, only if the other side wants it to be read.
async function knock(path) {
  const attack = { method: "POST", credentials: "include", body: new URLSearchParams() };
  const url = plan.door + path;
  const answered = await fetch(url, { ...attack, mode: "no-cors" }).then(() => true, () => false);
  const readable = await fetch(url, attack).then(() => true, () => false);
  return { path, answered, readable };
}

// Whoever has no patience may end the story here, without its second half.
async function wait() {
  const end = Date.now() + plan.seconds * 1000;
  const text = says.textContent;
  const skip = document.createElement("button");
  skip.textContent = "Don’t wait: leave the older cookies out";
  skip.addEventListener("click", () => location.replace(plan.skip));
  main.append(skip);
  for (let left = plan.seconds; left > 0; left = Math.ceil((end - Date.now()) / 1000)) {
    says.textContent = `${text} ${left} s`;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const acts = {
  go,
  keep: async () => { await keep(plan.name, plan.token); go(); },
  post: () => post(plan.target),
  get: () => location.replace(plan.target),
  link: () => click(plan.target),
  knock: async () => {
    const knocks = [];
    for (const path of plan.paths) knocks.push(await knock(path));
    await send("knocked", knocks);
    go();
  },
  wait: async () => { await wait(); go(); },
  find: async () => {
    const { default: find } = await import(`./${plan.module}.js`);
    await send("found", await find(plan));
    go();
  },
  done: () => clear(plan.name),
};

try {
  await acts[plan.act]();
} catch (error) {
  says.textContent = `This did not work: ${error}`;
  await send("broken", String(error));
}
