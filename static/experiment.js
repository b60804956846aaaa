// A run as it happens: each event brings a line of the spine; at the end the page is loaded again and shows the finding.
const spine = document.getElementById("spine");
const state = document.getElementById("state");
const events = new EventSource(spine.dataset.events);

events.addEventListener("row", ({ data }) => {
  const line = document.createElement("li");
  line.className = data.includes('class="band') ? "moment" : "row";
  line.append(...new DOMParser().parseFromString(data, "text/html").body.childNodes);
  spine.append(line);
});
events.addEventListener("place", ({ data }) => {
  const text = data === "" ? "Running …" : `Waiting: ${data} before this one.`;
  // Whoever has the page read out hears each change.
  if (state.textContent !== text) state.textContent = text;
});
events.addEventListener("end", () => {
  events.close();
  location.reload();
});
// A broken connection is taken up by the page itself, which knows how far the run is; it is not left while nobody answers.
events.addEventListener("error", async () => {
  events.close();
  for (let seconds = 2; ; seconds = Math.min(30, 2 * seconds)) {
    await new Promise(done => setTimeout(done, seconds * 1000));
    try {
      const { status } = await fetch(location.href, { method: "HEAD" });
      if (status < 500) return location.reload();
    } catch {
      // No answer at all.
    }
    state.textContent = "The server can’t be reached. Trying again …";
  }
});
events.addEventListener("lives", ({ data }) => {
  const chart = new DOMParser().parseFromString(data, "text/html").body;
  document.getElementById("lives").replaceChildren(...chart.childNodes);
});
